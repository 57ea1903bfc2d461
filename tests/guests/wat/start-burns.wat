(;wit
world guest {
    include astrid:guest/interceptor@1.0.0;
}
;)

;; Burns three million units of fuel when it is made, and as many again in its hook.
(module
  (memory (export "memory") 1)
  (global $free (mut i32) (i32.const 4096))

  ;; Hands out memory from the bottom up and grows when it has to; nothing is ever freed.
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

  ;; capsule-result { action: "continue", data: none }, and the text it points to.
  (data (i32.const 64) "\60\00\00\00\08\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00")
  (data (i32.const 96) "continue")

  ;; Five instructions, 600,000 times.
  (func $burn
    (local $left i32)
    (local.set $left (i32.const 600000))
    (loop $again
      (br_if $again (local.tee $left (i32.sub (local.get $left) (i32.const 1))))))

  (func (export "astrid-hook-trigger") (param i32 i32 i32 i32) (result i32)
    (call $burn)
    (i32.const 64))

  (start $burn)
)
