//! The WebAssembly features that guests may use. What is not named here is off, also when an engine update brings it.

use wasmparser::WasmFeatures;

/// What compilers emit for a plain `wasm32` target today. Off are, among others: threads, memory64, garbage collection,
/// exceptions, tail calls, relaxed SIMD (it answers differently on different machines), custom page sizes, stack
/// switching, and everything asynchronous of the component model.
///
/// Several memories in one module are on because the engine's own adapters between the components of a composed capsule
/// are such modules.
pub const FEATURES: WasmFeatures = WasmFeatures::FLOATS
    .union(WasmFeatures::MUTABLE_GLOBAL)
    .union(WasmFeatures::SATURATING_FLOAT_TO_INT)
    .union(WasmFeatures::SIGN_EXTENSION)
    .union(WasmFeatures::MULTI_VALUE)
    .union(WasmFeatures::BULK_MEMORY)
    .union(WasmFeatures::REFERENCE_TYPES)
    .union(WasmFeatures::SIMD)
    .union(WasmFeatures::EXTENDED_CONST)
    .union(WasmFeatures::MULTI_MEMORY)
    .union(WasmFeatures::COMPONENT_MODEL);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_off_stays_off() {
        for off in [
            WasmFeatures::THREADS,
            WasmFeatures::SHARED_EVERYTHING_THREADS,
            WasmFeatures::MEMORY64,
            WasmFeatures::GC,
            WasmFeatures::GC_TYPES,
            WasmFeatures::FUNCTION_REFERENCES,
            WasmFeatures::EXCEPTIONS,
            WasmFeatures::LEGACY_EXCEPTIONS,
            WasmFeatures::TAIL_CALL,
            WasmFeatures::RELAXED_SIMD,
            WasmFeatures::STACK_SWITCHING,
            WasmFeatures::CUSTOM_PAGE_SIZES,
            WasmFeatures::CM_ASYNC,
            WasmFeatures::CM_THREADING,
        ] {
            assert!(!FEATURES.intersects(off), "{off:?}");
        }
    }
}
