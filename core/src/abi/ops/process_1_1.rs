//! `astrid:process@1.1.0`: as 1.0.0, with files that only the started program sees.

process_rows! { "process@1.1.0", "astrid:process/host@1.1.0" }
