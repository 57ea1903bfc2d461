//! Gives the shared library its soname, keeps it loaded after `dlclose`, and exports `astrid_*` alone.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let system = std::env::var("CARGO_CFG_TARGET_OS").unwrap_or_default();
    match system.as_str() {
        "linux" | "freebsd" => {
            // The runtime's threads and the guests' signal handlers outlive any `dlclose`, so the code must stay mapped.
            println!("cargo::rustc-cdylib-link-arg=-Wl,-soname,libastrid_host.so.0");
            println!("cargo::rustc-cdylib-link-arg=-Wl,-z,nodelete");
        }
        "macos" => println!("cargo::rustc-cdylib-link-arg=-Wl,-install_name,@rpath/libastrid_host.0.dylib"),
        _ => {}
    }
}
