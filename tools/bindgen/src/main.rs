//! Generates the JavaScript of a compiled Worker: `signalbox-bindgen COMPILED.wasm FOLDER`.

use wasm_bindgen_cli_support::Bindgen;

fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args_os().skip(1);
    let (Some(compiled), Some(folder)) = (arguments.next(), arguments.next()) else {
        anyhow::bail!("usage: signalbox-bindgen COMPILED.wasm FOLDER");
    };
    Bindgen::new()
        .module(true)?
        .input_path(compiled)
        .typescript(false)
        .reset_state_function(true) // replaces the instance after a panic
        .out_name("bindings")
        .generate(folder)
}
