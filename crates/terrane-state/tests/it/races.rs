//! Case 50 by the thousand: an object that is replaced while it is read in parts is never read as a mixture.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::time::Instant;

use terrane_state::{ErrorKind, S3Arguments, State};

use crate::contract;
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

/// Reads an object that is replaced all the time.
async fn check(arguments: S3Arguments, readings: u32, replace: impl AsyncFn(String)) {
    replace(state(0)).await;
    let reader = builder(arguments).connect().await.unwrap();
    let start = Instant::now();
    is_whole(&reader.read().await.unwrap());
    let undisturbed = start.elapsed();
    let done = Cell::new(false);
    let writing = async {
        let mut serial = 0;
        while !done.get() {
            serial += 1_u64;
            // Gaps of up to four readings let a replacement fall anywhere between two parts, on any machine.
            let part = u32::try_from(serial * 7919 % 1000).unwrap();
            tokio::time::sleep(undisturbed * 4 * part / 1000).await;
            replace(state(serial)).await;
        }
        serial
    };
    let reading = async {
        let (mut whole, mut changing) = (0, 0);
        for _ in 0..readings {
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
        done.set(true);
        (whole, changing)
    };
    let (written, (whole, changing)) = tokio::join!(writing, reading);
    assert!(written > u64::from(readings) / 12, "the object was replaced {written} times only");
    assert!(whole > changing, "{whole} read whole, {changing} gave up");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_reading_is_torn() {
    let (server, address) = MemS3::start().await;
    check(arguments(address), cases(60, 3000), async |text| server.replace("b", "k", text)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_reading_from_a_second_server_is_torn() {
    let Some((client, arguments)) = contract::second_bucket("terrane-races").await else { return };
    let replace = async |text: String| {
        let body = text.into_bytes().into();
        client.put_object().bucket("terrane-races").key("k").body(body).send().await.unwrap();
    };
    check(arguments, cases(40, 400), replace).await;
}
