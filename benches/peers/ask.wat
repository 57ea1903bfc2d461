;; A component that asks its host as often as it is told, with 64 bytes each time, and takes bytes back.
(component
  (import "answer" (func $answer (param "asked" (list u8)) (result (list u8))))

  (core module $Memory
    (memory (export "memory") 2)
    (global $free (mut i32) (i32.const 4096))
    ;; Hands out memory from the bottom up; all of it is taken back before each question, so that nothing here has to grow.
    (func (export "realloc") (param $old i32) (param $old-size i32) (param $align i32) (param $size i32) (result i32)
      (local $at i32)
      (local.set $at (i32.and (i32.add (global.get $free) (i32.const 7)) (i32.const -8)))
      (global.set $free (i32.add (local.get $at) (local.get $size)))
      (local.get $at))
    (func (export "take-back") (global.set $free (i32.const 4096))))
  (core instance $memory (instantiate $Memory))
  (core func $lowered (canon lower (func $answer) (memory (core memory $memory "memory")) (realloc (core func $memory "realloc"))))

  (core module $Asks
    (import "memory" "take-back" (func $take-back))
    (import "host" "answer" (func $answer (param i32 i32 i32)))
    (func (export "ask") (param $times i32)
      (loop $again
        (call $take-back)
        (call $answer (i32.const 1024) (i32.const 64) (i32.const 512))
        (br_if $again (local.tee $times (i32.sub (local.get $times) (i32.const 1)))))))
  (core instance $asks (instantiate $Asks
    (with "memory" (instance $memory))
    (with "host" (instance (export "answer" (func $lowered))))))
  (alias core export $asks "ask" (core func $ask))
  (func (export "ask") (param "times" u32) (canon lift (core func $ask)))
)
