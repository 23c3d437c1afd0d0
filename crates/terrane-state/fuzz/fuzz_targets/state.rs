//! Any text is read or refused as a state.

#![no_main]

use libfuzzer_sys::fuzz_target;
use terrane_state::{State, WholeState};

fuzz_target!(|text: &[u8]| {
    let whole = WholeState::parse(text);
    if let Ok(state) = State::parse(text) {
        let _ = state.to_json();
        for (name, output) in state.iter() {
            let _ = (output.map(ToString::to_string), state.value_at(name).map(|value| value.to_json()));
        }
    } else {
        assert!(whole.is_err());
    }
});
