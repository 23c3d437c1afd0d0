//! Case 50 by the thousand: an object that is replaced while it is read in parts is never read as a mixture.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use terrane_state::{ErrorKind, State};

use crate::mem_s3::MemS3;
use crate::setup::{arguments, builder, cases};

/// Enough outputs to need three parts, each of which says its serial.
fn state(serial: u64) -> String {
    let mark = format!("{serial:0>64}");
    let outputs: Vec<String> =
        (0..4000).map(|idx| format!(r#""o{idx}":{{"value":"{mark}","type":"string"}}"#)).collect();
    format!(
        r#"{{"version":4,"terraform_version":"1.11.4","serial":{serial},"lineage":"l","outputs":{{{}}},"resources":[]}}"#,
        outputs.join(",")
    )
}

#[track_caller]
fn is_whole(state: &State) {
    let mark = format!("{:0>64}", state.serial());
    let outputs: BTreeMap<String, String> = state.outputs().unwrap();
    assert_eq!(outputs.len(), 4000);
    let torn = outputs.values().find(|value| **value != mark);
    assert_eq!(torn, None, "serial {}", state.serial());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_reading_is_torn() {
    let (server, address) = MemS3::start().await;
    server.put("b", "k", state(0));
    let reader = builder(arguments(address)).connect().await.unwrap();
    let start = Instant::now();
    is_whole(&reader.read().await.unwrap());
    let undisturbed = start.elapsed();
    let stop = Arc::new(AtomicBool::new(false));
    let (writer, stopped) = (server.clone(), stop.clone());
    let writing = tokio::spawn(async move {
        let mut serial = 0;
        while !stopped.load(Ordering::Relaxed) {
            serial += 1_u64;
            // Gaps of up to four readings let a replacement fall anywhere between two parts, on any machine.
            let part = u32::try_from(serial * 7919 % 1000).unwrap();
            tokio::time::sleep(undisturbed * 4 * part / 1000).await;
            writer.replace("b", "k", state(serial));
        }
        serial
    });
    let (mut whole, mut changing) = (0, 0);
    for _ in 0..cases(60, 3000) {
        match reader.read().await {
            Ok(state) => {
                is_whole(&state);
                whole += 1;
            }
            Err(error) => {
                assert!(matches!(error.kind(), ErrorKind::KeepsChanging { .. }), "{error}");
                changing += 1;
            }
        }
    }
    stop.store(true, Ordering::Relaxed);
    let written = writing.await.unwrap();
    assert!(written > 5, "the object was replaced {written} times only");
    assert!(whole > changing, "{whole} read whole, {changing} gave up");
}
