//! `astrid:process@1.0.0`: programs of the machine, run in the sandbox.

process_rows! { "process", "astrid:process/host@1.0.0" }
