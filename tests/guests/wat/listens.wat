(;wit
world guest {
    import astrid:ipc/host@1.0.0;
    import astrid:sys/host@1.0.0;
    include astrid:guest/background@1.0.0;
}
;)

;; A run loop that subscribes to `test.go`, says that it is ready, and for every message it hears publishes `test.heard`. It
;; ends when it can wait no longer. The subscribe result is at 128 (tag, handle at 132), that of recv at 160, that of publish at
;; 224.
(module
  (import "astrid:ipc/host@1.0.0" "subscribe" (func $subscribe (param i32 i32 i32)))
  (import "astrid:ipc/host@1.0.0" "publish" (func $publish (param i32 i32 i32 i32 i32)))
  (import "astrid:ipc/host@1.0.0" "[method]subscription.recv" (func $recv (param i32 i64 i32)))
  (import "astrid:sys/host@1.0.0" "signal-ready" (func $ready))

  (memory (export "memory") 1)
  (global $free (mut i32) (i32.const 4096))

  ;; Hands out memory from the bottom up and grows when it has to; all of it is taken back before each wait.
  (func (export "cabi_realloc") (param $old i32) (param $old-size i32) (param $align i32) (param $size i32) (result i32)
    (local $at i32)
    (local.set $at (i32.and (i32.add (global.get $free) (i32.const 7)) (i32.const -8)))
    (global.set $free (i32.add (local.get $at) (local.get $size)))
    (block $fits
      (br_if $fits (i32.le_u (global.get $free) (i32.mul (memory.size) (i32.const 65536))))
      (br_if $fits (i32.ne (i32.const -1)
        (memory.grow (i32.add (i32.shr_u (local.get $size) (i32.const 16)) (i32.const 1)))))
      unreachable)
    (local.get $at))

  (data (i32.const 64) "test.go")
  (data (i32.const 80) "test.heard")
  (data (i32.const 96) "1")

  (func (export "run")
    (local $subscription i32)
    (call $subscribe (i32.const 64) (i32.const 7) (i32.const 128))
    (if (i32.load8_u (i32.const 128)) (then unreachable))
    (local.set $subscription (i32.load (i32.const 132)))
    (call $ready)
    (loop $again
      (global.set $free (i32.const 4096))
      (call $recv (local.get $subscription) (i64.const 60000) (i32.const 160))
      (if (i32.eqz (i32.load8_u (i32.const 160)))
        (then
          (call $publish (i32.const 80) (i32.const 10) (i32.const 96) (i32.const 1) (i32.const 224))
          (br $again)))
      ;; The seventh arm of the error is `timeout`: nothing came, and the wait begins anew.
      (br_if $again (i32.eq (i32.load8_u offset=8 (i32.const 160)) (i32.const 6)))))
)
