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
        Serving::run(command().arg(store))
    }

    /// Serves from an S3 that listens on a port.
    pub(crate) fn start_on_s3(store: &str, port: u16) -> Serving {
        Serving::run(on_s3(&mut command(), port).arg(store))
    }

    fn run(command: &mut Command) -> Serving {
        command.args(["--listen", "127.0.0.1:0"]).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the program was built");
        let mut lines = BufReader::new(child.stderr.take().expect("it is piped")).lines();
        let first = lines.next().expect("it says where it listens").expect("it writes text");
        let address = first.strip_prefix("listening on http://").expect("it says where").to_owned();
        // Its access log would fill the pipe.
        std::thread::spawn(move || lines.map_while(Result::ok).for_each(drop));
        Serving { child, address }
    }

    /// The address of the module registry protocol.
    pub(crate) fn modules(&self) -> String {
        format!("http://{}/v1/modules/", self.address)
    }
}

fn command() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_terrane"));
    command.args(["registry", "serve"]);
    command
}

/// Turns the program to an S3 on this machine.
pub(crate) fn on_s3(command: &mut Command, port: u16) -> &mut Command {
    command
        .env("AWS_ENDPOINT_URL_S3", format!("http://127.0.0.1:{port}"))
        .env("AWS_REGION", "eu-west-1")
        .env("AWS_ACCESS_KEY_ID", "test")
        .env("AWS_SECRET_ACCESS_KEY", "test")
        // What fails is tried again by us, not by the client below.
        .env("AWS_MAX_ATTEMPTS", "1")
        .env_remove("AWS_PROFILE")
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
