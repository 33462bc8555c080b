//! From a compiled Worker to its JavaScript: `signalbox-bindgen COMPILED.wasm FOLDER`.

use wasm_bindgen_cli_support::Bindgen;

fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args_os().skip(1);
    let (Some(compiled), Some(folder)) = (arguments.next(), arguments.next()) else {
        anyhow::bail!("it takes a compiled Worker and a folder for the result");
    };
    Bindgen::new()
        .module(true)?
        .input_path(compiled)
        .typescript(false)
        .reset_state_function(true) // makes the instance anew after a panic
        .out_name("bindings")
        .generate(folder)
}
