//! A running `terrane registry serve`.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// The program, which is ended when this is dropped.
pub(crate) struct Serving {
    child: Child,
    address: String,
}

impl Serving {
    pub(crate) fn start(store: &Path) -> Serving {
        let mut child = Command::new(env!("CARGO_BIN_EXE_terrane"))
            .args(["registry", "serve", "--listen", "127.0.0.1:0"])
            .arg(store)
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program was built");
        let mut lines = BufReader::new(child.stderr.take().expect("it is piped")).lines();
        let first = lines.next().expect("it says where it listens").expect("it writes text");
        let address = first.strip_prefix("listening on ").expect("it says where").to_owned();
        // Its access log would fill the pipe.
        std::thread::spawn(move || lines.map_while(Result::ok).for_each(drop));
        Serving { child, address }
    }

    /// The address of the module registry protocol.
    pub(crate) fn modules(&self) -> String {
        format!("http://{}/v1/modules/", self.address)
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
