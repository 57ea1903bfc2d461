(;wit
world guest {
    import astrid:ipc/host@1.0.0;
    import astrid:sys/host@1.0.0;
    include astrid:guest/background@1.0.0;
    include astrid:guest/interceptor@1.0.0;
}
;)

;; Takes 48 pages of memory and 12,000 slots of a table, and then `fill` fills all of it and the globals, while any other action
;; leaves it as it was found. Both count what is not zero: words of memory beyond what the guest itself has put there, slots
;; that are taken, globals. A call without a payload answers `continue` with the count in decimal digits; one with a payload
;; publishes the count as `test.found` and sleeps for a minute. The run loop fills, publishes, says that it is ready, and
;; sleeps until it is stopped.
(module
  (import "astrid:ipc/host@1.0.0" "publish" (func $publish (param i32 i32 i32 i32 i32)))
  (import "astrid:sys/host@1.0.0" "sleep-ns" (func $sleep (param i64 i32)))
  (import "astrid:sys/host@1.0.0" "signal-ready" (func $ready))

  (memory (export "memory") 1)
  (table $taken 8000 16000 funcref)
  (elem declare func $entry)
  (global $free (mut i32) (i32.const 4096))
  (global $wide (mut i64) (i64.const 0))
  (global $narrow (mut i32) (i32.const 0))
  (global $function (mut funcref) (ref.null func))

  (func $entry)

  ;; Hands out memory from the bottom up; the first page is enough for what this guest is told.
  (func (export "cabi_realloc") (param $old i32) (param $old-size i32) (param $align i32) (param $size i32) (result i32)
    (local $at i32)
    (local.set $at (i32.and (i32.add (global.get $free) (i32.const 7)) (i32.const -8)))
    (global.set $free (i32.add (local.get $at) (local.get $size)))
    (if (i32.gt_u (global.get $free) (i32.const 65536)) (then unreachable))
    (local.get $at))

  ;; capsule-result { action: "continue", data: some(..) }: pointer and length of the digits are filled in by the hook.
  (data (i32.const 64) "\60\00\00\00\08\00\00\00\01\00\00\00\00\00\00\00\00\00\00\00")
  (data (i32.const 96) "continue")
  (data (i32.const 144) "test.found")

  (func (export "astrid-hook-trigger") (param $action i32) (param $action-len i32) (param $at i32) (param $len i32)
    (result i32)
    (call $take)
    (if (i32.eq (i32.load8_u (local.get $action)) (i32.const 102)) (then (call $fill)))
    (call $write-digits (call $count))
    (if (local.get $len)
      (then
        (call $tell)
        (call $sleep (i64.const 60000000000) (i32.const 192))))
    (i32.const 64))

  (func (export "run")
    (call $take)
    (call $fill)
    (call $write-digits (call $count))
    (call $tell)
    (call $ready)
    (loop $again
      (call $sleep (i64.const 60000000000) (i32.const 192))
      (br_if $again (i32.eqz (i32.load8_u (i32.const 192))))))

  ;; An instance that is called again has taken all this already.
  (func $take
    (if (i32.eq (memory.size) (i32.const 1))
      (then
        (if (i32.eq (memory.grow (i32.const 47)) (i32.const -1)) (then unreachable))
        (if (i32.eq (table.grow $taken (ref.null func) (i32.const 4000)) (i32.const -1)) (then unreachable)))))

  ;; Where memory begins that this guest never wrote to, at a multiple of eight.
  (func $beyond (result i32)
    (i32.and (i32.add (global.get $free) (i32.const 7)) (i32.const -8)))

  (func $end (result i32)
    (i32.shl (memory.size) (i32.const 16)))

  (func $fill
    (memory.fill (call $beyond) (i32.const 0x5a) (i32.sub (call $end) (call $beyond)))
    (table.fill $taken (i32.const 0) (ref.func $entry) (table.size $taken))
    (global.set $wide (i64.const 0x5a5a5a5a5a5a5a5a))
    (global.set $narrow (i32.const 0x5a5a5a5a))
    (global.set $function (ref.func $entry)))

  ;; How much there is that is not zero.
  (func $count (result i32)
    (local $at i32) (local $end i32) (local $found i32)
    (local.set $at (call $beyond))
    (local.set $end (call $end))
    (loop $word
      (local.set $found (i32.add (local.get $found) (i64.ne (i64.load (local.get $at)) (i64.const 0))))
      (local.set $at (i32.add (local.get $at) (i32.const 8)))
      (br_if $word (i32.lt_u (local.get $at) (local.get $end))))
    (local.set $at (i32.const 0))
    (loop $slot
      (local.set $found
        (i32.add (local.get $found) (i32.eqz (ref.is_null (table.get $taken (local.get $at))))))
      (local.set $at (i32.add (local.get $at) (i32.const 1)))
      (br_if $slot (i32.lt_u (local.get $at) (table.size $taken))))
    (local.set $found (i32.add (local.get $found) (i64.ne (global.get $wide) (i64.const 0))))
    (local.set $found (i32.add (local.get $found) (i32.ne (global.get $narrow) (i32.const 0))))
    (i32.add (local.get $found) (i32.eqz (ref.is_null (global.get $function)))))

  ;; Publishes the digits.
  (func $tell
    (call $publish (i32.const 144) (i32.const 10) (i32.load (i32.const 76)) (i32.load (i32.const 80)) (i32.const 192)))

  ;; Writes the number right-aligned so that it ends before address 128.
  (func $write-digits (param $number i32)
    (local $at i32)
    (local.set $at (i32.const 128))
    (loop $digit
      (local.set $at (i32.sub (local.get $at) (i32.const 1)))
      (i32.store8 (local.get $at) (i32.add (i32.const 48) (i32.rem_u (local.get $number) (i32.const 10))))
      (local.set $number (i32.div_u (local.get $number) (i32.const 10)))
      (br_if $digit (local.get $number)))
    (i32.store (i32.const 76) (local.get $at))
    (i32.store (i32.const 80) (i32.sub (i32.const 128) (local.get $at))))
)
