//! What a guest may burn and hold, how instances are kept, and what compiling them may cost.

use std::time::Duration;

use super::{KIB, MIB};

// ---- engine ----------------------------------------------------------------------------------------------------------

/// The time between two looks at a running guest's deadline and cancel flag.
pub const TICK: Duration = Duration::from_millis(10);
/// How long a guest that was told of its cancellation may still run before it is dropped.
pub const CANCEL_GRACE: Duration = Duration::from_millis(20);
/// Fuel of one trigger, in wasmtime's units.
pub const FUEL_PER_TRIGGER: u64 = 10_000_000_000;
/// Wall clock of an install or upgrade hook.
pub const HOOK_TIMEOUT: Duration = Duration::from_mins(10);
/// Wall clock of instantiation, which may run the guest's start code.
pub const INSTANTIATE_TIMEOUT: Duration = Duration::from_mins(5);
/// Largest trigger payload, in bytes.
pub const TRIGGER_PAYLOAD_BYTES: usize = 16 * MIB;
/// Instances of one (capsule, principal) that are kept warm while the principal is at work.
pub const WARM_INSTANCES: usize = 4;
/// Instances of one (capsule, principal) at once, unless the embedder names another number: twice the cores, at least this.
pub const LEAST_INSTANCES: usize = 8;
/// And at most this.
pub const MOST_INSTANCES: usize = 64;
/// How long an instance may wait for work before its memory is given back.
pub const INSTANCE_IDLE: Duration = Duration::from_mins(1);
/// Bytes that the arguments of a principal's host calls may occupy at once, over all its instances.
pub const CALL_BYTES: u64 = 64 * MIB as u64;
/// Stack of guest code, in bytes.
pub const GUEST_STACK_BYTES: usize = 512 * KIB;
/// Stack of a host call on the guest's fiber, in bytes.
pub const HOST_STACK_BYTES: usize = 512 * KIB;
/// Bytes that the arguments of one host call may occupy in the host: the largest legal argument and its fellows.
pub const HOSTCALL_BYTES: usize = 16 * MIB;
/// How long an unload waits for a run loop or a trigger to end before it goes on without it.
pub const UNLOAD_WAIT: Duration = Duration::from_secs(1);
/// Compiled components the engine remembers, so that installing and then loading compiles once.
pub const RECENT_COMPONENTS: usize = 16;
/// Handles one instance may hold at once.
pub const TABLE_HANDLES: usize = 4096;
/// What one slot of a guest's table counts against its memory ceiling, in bytes.
pub const TABLE_SLOT_BYTES: u64 = 32;

// ---- the pool of instances -------------------------------------------------------------------------------------------

// The pool reserves its whole address space when the first host is opened, about 98 GiB of the 128 TiB a process has; of
// memory it takes what is touched. What does not fit, and whoever comes when it is full, gets an instance on demand.

/// Instances the pool has room for.
pub const POOL_INSTANCES: u32 = 1024;
/// Address space reserved for each linear memory, in bytes: in the pool no memory grows beyond it, on demand growing
/// further moves the memory.
pub const MEMORY_RESERVATION_BYTES: u64 = 64 * MIB as u64;
/// Address space behind each linear memory that faults when it is touched, in bytes.
pub const MEMORY_GUARD_BYTES: u64 = 32 * MIB as u64;
/// Linear memories of a component that fits the pool.
pub const POOL_MEMORIES: u32 = 1;
/// Tables of a component that fits the pool.
pub const POOL_TABLES: u32 = 4;
/// Slots of a table in the pool; a table that could grow beyond them does not fit.
pub const POOL_TABLE_SLOTS: usize = 20_000;
/// Core instances of a component that fits the pool.
pub const POOL_CORE_INSTANCES: u32 = 32;
/// Bytes of bookkeeping of a component that fits the pool.
pub const POOL_INSTANCE_BYTES: usize = MIB;

// ---- compilation -----------------------------------------------------------------------------------------------------

/// Largest component that is looked at, in bytes.
pub const COMPONENT_BYTES: usize = 64 * MIB;
/// Core modules of one component.
pub const CORE_MODULES: usize = 128;
/// Components inside a component, at any depth.
pub const INNER_COMPONENTS: usize = 256;
/// How deep components may lie in one another.
pub const COMPONENT_DEPTH: usize = 8;
/// Functions with a body, over all core modules of a component.
pub const CORE_FUNCTIONS: usize = 50_000;
/// Bytes of one function's body. The interpreter of Python has one of 417 KiB.
pub const FUNCTION_BYTES: usize = 512 * KIB;
/// Bytes of all bodies of a component: about a minute of one core. The engines for JavaScript have up to 10 MiB of them.
pub const CODE_BYTES: usize = 16 * MIB;
/// Locals of one function.
pub const FUNCTION_LOCALS: u64 = 10_000;
/// How deep blocks may lie in one another in a function.
pub const BLOCK_DEPTH: usize = 1_000;
/// What one function may cost the compiler, as `engine/bounds.rs` estimates it: about 5 s of one core. The most
/// expensive function of the engines for JavaScript and Python costs 113,000,000.
pub const FUNCTION_WORK: u64 = 400_000_000;
/// What all functions of a component may cost together: about 50 s of one core. A component with Python in it costs
/// 1,500,000,000, one with JavaScript 2,300,000,000 or, in the variant that compiles ahead, 3,000,000,000.
pub const COMPONENT_WORK: u64 = 4_000_000_000;
/// Types, imports, exports, globals, element and data segments of a component, of each kind.
pub const COMPONENT_ITEMS: usize = 100_000;
/// How long one compilation may take, from the moment its turn has come.
pub const COMPILE_TIME: Duration = Duration::from_mins(2);
/// Compilations at once; one fewer of those that may be slow.
pub const COMPILE_LANES: usize = 2;
/// A component whose functions cost the compiler more than this may be slow: about two seconds of one core.
pub const QUICK_WORK: u64 = 160_000_000;
/// And so may one with more bytes of code than this.
pub const QUICK_CODE_BYTES: usize = 512 * KIB;
/// Threads of one compilation, if the machine has so many cores.
pub const COMPILE_THREADS: usize = 8;
/// Stack of a compiling thread, in bytes.
pub const COMPILE_STACK_BYTES: usize = 8 * MIB;
/// Compilations that may wait for their turn; one more is refused.
pub const COMPILE_QUEUE: usize = 1024;
/// Bytes of compiled code that a home keeps; what was used longest ago gives way.
pub const CODE_CACHE_BYTES: u64 = 512 * MIB as u64;
