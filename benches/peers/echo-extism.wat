;; What tests/guests/wat/echo.wat does, as an Extism plugin. It moves bytes as the Rust PDK does: between its own memory and the
;; kernel's, eight at a time through calls of the kernel, and one at a time at the end.
(module
  (import "extism:host/env" "input_length" (func $input-length (result i64)))
  (import "extism:host/env" "input_load_u64" (func $input-load-u64 (param i64) (result i64)))
  (import "extism:host/env" "input_load_u8" (func $input-load-u8 (param i64) (result i32)))
  (import "extism:host/env" "alloc" (func $alloc (param i64) (result i64)))
  (import "extism:host/env" "free" (func $free (param i64)))
  (import "extism:host/env" "length" (func $length (param i64) (result i64)))
  (import "extism:host/env" "load_u64" (func $load-u64 (param i64) (result i64)))
  (import "extism:host/env" "load_u8" (func $load-u8 (param i64) (result i32)))
  (import "extism:host/env" "store_u64" (func $store-u64 (param i64 i64)))
  (import "extism:host/env" "store_u8" (func $store-u8 (param i64 i32)))
  (import "extism:host/env" "output_set" (func $output-set (param i64 i64)))
  (import "extism:host/user" "answer" (func $answer (param i64) (result i64)))

  ;; Bytes go from 1024 on.
  (memory (export "memory") 2)

  ;; Puts `length` bytes into the kernel's memory and gives their place there.
  (func $give (param $length i64) (result i64)
    (local $block i64) (local $done i64)
    (local.set $block (call $alloc (local.get $length)))
    (block $few (loop $more
      (br_if $few (i64.gt_u (i64.add (local.get $done) (i64.const 8)) (local.get $length)))
      (call $store-u64 (i64.add (local.get $block) (local.get $done))
        (i64.load offset=1024 (i32.wrap_i64 (local.get $done))))
      (local.set $done (i64.add (local.get $done) (i64.const 8)))
      (br $more)))
    (block $all (loop $more
      (br_if $all (i64.ge_u (local.get $done) (local.get $length)))
      (call $store-u8 (i64.add (local.get $block) (local.get $done))
        (i32.load8_u offset=1024 (i32.wrap_i64 (local.get $done))))
      (local.set $done (i64.add (local.get $done) (i64.const 1)))
      (br $more)))
    (local.get $block))

  ;; Takes a block of the kernel's memory over and frees it there.
  (func $take (param $block i64)
    (local $length i64) (local $done i64)
    (local.set $length (call $length (local.get $block)))
    (block $few (loop $more
      (br_if $few (i64.gt_u (i64.add (local.get $done) (i64.const 8)) (local.get $length)))
      (i64.store offset=1024 (i32.wrap_i64 (local.get $done))
        (call $load-u64 (i64.add (local.get $block) (local.get $done))))
      (local.set $done (i64.add (local.get $done) (i64.const 8)))
      (br $more)))
    (block $all (loop $more
      (br_if $all (i64.ge_u (local.get $done) (local.get $length)))
      (i32.store8 offset=1024 (i32.wrap_i64 (local.get $done))
        (call $load-u8 (i64.add (local.get $block) (local.get $done))))
      (local.set $done (i64.add (local.get $done) (i64.const 1)))
      (br $more)))
    (call $free (local.get $block)))

  ;; Takes the input over and gives its length.
  (func $take-input (result i64)
    (local $length i64) (local $done i64)
    (local.set $length (call $input-length))
    (if (i64.gt_u (local.get $length) (i64.const 65536)) (then unreachable))
    (block $few (loop $more
      (br_if $few (i64.gt_u (i64.add (local.get $done) (i64.const 8)) (local.get $length)))
      (i64.store offset=1024 (i32.wrap_i64 (local.get $done)) (call $input-load-u64 (local.get $done)))
      (local.set $done (i64.add (local.get $done) (i64.const 8)))
      (br $more)))
    (block $all (loop $more
      (br_if $all (i64.ge_u (local.get $done) (local.get $length)))
      (i32.store8 offset=1024 (i32.wrap_i64 (local.get $done)) (call $input-load-u8 (local.get $done)))
      (local.set $done (i64.add (local.get $done) (i64.const 1)))
      (br $more)))
    (local.get $length))

  (func (export "echo") (result i32)
    (local $length i64)
    (local.set $length (call $take-input))
    (call $output-set (call $give (local.get $length)) (local.get $length))
    (i32.const 0))

  ;; Asks the host as often as the number of 32 bits in the input says, with 64 bytes each time.
  (func (export "ask") (result i32)
    (local $times i32) (local $asked i64)
    (drop (call $take-input))
    (local.set $times (i32.load offset=1024 (i32.const 0)))
    (loop $again
      (local.set $asked (call $give (i64.const 64)))
      (call $take (call $answer (local.get $asked)))
      (call $free (local.get $asked))
      (br_if $again (local.tee $times (i32.sub (local.get $times) (i32.const 1)))))
    (i32.const 0))
)
