//! Machine code whose origin is proven. Loading any other would be running a stranger's code outside the sandbox.

use blake3::Hasher;
use wasmtime::Engine;
use wasmtime::component::Component;

use crate::error::{Error, ErrorKind, Result};

/// Bytes of the seal in front of code that lies in a file.
const SEAL: usize = blake3::OUT_LEN;
/// Keeps these seals apart from whatever else may be sealed with the same key.
const PURPOSE: &[u8] = b"astrid-host compiled code 1";

/// Compiled code that this process made itself, or read back under a seal that only this home can make.
pub struct Code(Vec<u8>);

/// Which code it is: of which component, and compiled for which engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Origin {
    /// The BLAKE3 of the component.
    pub component: [u8; 32],
    /// The fingerprint of the engine: its version, its settings and the processor's features.
    pub engine: [u8; 32],
}

impl Code {
    /// Compiles a component.
    ///
    /// # Errors
    /// [`ErrorKind::ComponentInvalid`] with the compiler's own words.
    pub fn compile(engine: &Engine, component: &[u8]) -> Result<Self> {
        engine.precompile_component(component).map(Self).map_err(|error| {
            Error::new(ErrorKind::ComponentInvalid, format!("the component does not compile: {error:#}"))
        })
    }

    /// The code of a component that is loaded, for another engine with the same settings.
    ///
    /// # Errors
    /// [`ErrorKind::Internal`] when there is no memory for it.
    pub fn of(component: &Component) -> Result<Self> {
        component.serialize().map(Self).map_err(|error| {
            Error::new(ErrorKind::Internal, "compiled code cannot be copied").caused_by(error)
        })
    }

    /// Bytes that nobody ever loads.
    #[cfg(test)]
    pub fn made_up(bytes: &[u8]) -> Self {
        Self(bytes.to_vec())
    }

    /// Bytes of it.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// As it is written to a file: the seal, then the code.
    pub fn sealed(&self, key: &[u8; 32], origin: &Origin) -> Vec<u8> {
        [&seal(key, origin, &self.0).as_bytes()[..], &self.0].concat()
    }

    /// Reads what [`Self::sealed`] wrote; none when a single bit of the code, the key or the origin is another.
    pub fn unseal(mut file: Vec<u8>, key: &[u8; 32], origin: &Origin) -> Option<Self> {
        let found = blake3::Hash::from_bytes(*file.first_chunk::<SEAL>()?);
        // Hashes compare in constant time.
        if found != seal(key, origin, &file[SEAL..]) {
            return None;
        }
        file.drain(..SEAL);
        Some(Self(file))
    }

    /// Makes the code runnable by `engine`.
    ///
    /// # Errors
    /// What the engine says: the code was compiled for another one, or the component does not fit its pool.
    pub fn load(&self, engine: &Engine) -> wasmtime::Result<Component> {
        #[expect(unsafe_code, reason = "deserialising compiled code is unsafe unless its origin is known")]
        // SAFETY: the bytes are what `precompile_component` or `Component::serialize` of this process returned, or were
        // sealed by this home after one of them returned them: there is no other way to make a `Code`, the seal covers
        // every byte, and the bytes lie in memory that nobody else can write. Whether they were made for this engine is
        // checked by the function itself.
        unsafe {
            Component::deserialize(engine, &self.0)
        }
    }
}

fn seal(key: &[u8; 32], origin: &Origin, code: &[u8]) -> blake3::Hash {
    // All parts but the last have a fixed length, so no two inputs look alike.
    let mut hasher = Hasher::new_keyed(key);
    hasher.update(PURPOSE).update(&origin.component).update(&origin.engine).update(code);
    hasher.finalize()
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: [u8; 32] = [7; 32];
    const ORIGIN: Origin = Origin { component: [1; 32], engine: [2; 32] };

    #[test]
    fn only_the_sealed_bytes_open_under_their_own_origin_and_key() {
        let code = Code::made_up(b"machine code");
        let file = code.sealed(&KEY, &ORIGIN);
        assert_eq!(Code::unseal(file.clone(), &KEY, &ORIGIN).unwrap().0, code.0);
        for bit in 0..file.len() * 8 {
            let mut forged = file.clone();
            forged[bit / 8] ^= 1 << (bit % 8);
            assert!(Code::unseal(forged, &KEY, &ORIGIN).is_none(), "bit {bit}");
        }
        for length in 0..file.len() {
            assert!(Code::unseal(file[..length].to_vec(), &KEY, &ORIGIN).is_none(), "{length} bytes");
        }
        assert!(Code::unseal([&file[..], b"x"].concat(), &KEY, &ORIGIN).is_none());
        assert!(Code::unseal(file.clone(), &[8; 32], &ORIGIN).is_none());
        assert!(Code::unseal(file.clone(), &KEY, &Origin { component: [9; 32], ..ORIGIN }).is_none());
        assert!(Code::unseal(file, &KEY, &Origin { engine: [9; 32], ..ORIGIN }).is_none());
    }
}
