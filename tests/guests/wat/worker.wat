(;wit
world guest {
    import astrid:approval/host@1.0.0;
    import astrid:fs/host@1.0.0;
    import astrid:io/streams@1.0.0;
    import astrid:ipc/host@1.0.0;
    import astrid:kv/host@1.0.0;
    import astrid:net/host@1.0.0;
    include astrid:guest/interceptor@1.0.0;
}
;)

;; Makes one host call over and over, so that what the call costs can be told from what the trigger costs. The payload is four
;; numbers of 32 bits: which call, how often, and two arguments. It traps where a call does not succeed. Results lie from 512 on.
(module
  (import "astrid:approval/host@1.0.0" "request-approval" (func $request-approval (param i32 i32 i32 i32 i32)))
  (import "astrid:kv/host@1.0.0" "kv-get" (func $kv-get (param i32 i32 i32)))
  (import "astrid:kv/host@1.0.0" "kv-set" (func $kv-set (param i32 i32 i32 i32 i32)))
  (import "astrid:ipc/host@1.0.0" "subscribe" (func $subscribe (param i32 i32 i32)))
  (import "astrid:ipc/host@1.0.0" "publish" (func $publish (param i32 i32 i32 i32 i32)))
  (import "astrid:ipc/host@1.0.0" "[method]subscription.recv" (func $recv (param i32 i64 i32)))
  (import "astrid:ipc/host@1.0.0" "[resource-drop]subscription" (func $drop-subscription (param i32)))
  (import "astrid:fs/host@1.0.0" "read-file" (func $read-file (param i32 i32 i32)))
  (import "astrid:fs/host@1.0.0" "write-file" (func $write-file (param i32 i32 i32 i32 i32)))
  (import "astrid:fs/host@1.0.0" "fs-copy" (func $fs-copy (param i32 i32 i32 i32 i32)))
  (import "astrid:net/host@1.0.0" "connect-tcp" (func $connect (param i32 i32 i32 i32)))
  (import "astrid:net/host@1.0.0" "[method]tcp-stream.write-bytes" (func $write-bytes (param i32 i32 i32 i32)))
  (import "astrid:net/host@1.0.0" "[method]tcp-stream.read-bytes" (func $read-bytes (param i32 i32 i32)))
  (import "astrid:net/host@1.0.0" "[method]tcp-stream.read-stream" (func $read-stream (param i32) (result i32)))
  (import "astrid:net/host@1.0.0" "[method]tcp-stream.write-stream" (func $write-stream (param i32) (result i32)))
  (import "astrid:net/host@1.0.0" "[resource-drop]tcp-stream" (func $drop-tcp (param i32)))
  (import "astrid:io/streams@1.0.0" "[method]output-stream.blocking-splice"
    (func $splice (param i32 i32 i64 i32)))
  (import "astrid:io/streams@1.0.0" "[resource-drop]input-stream" (func $drop-input (param i32)))
  (import "astrid:io/streams@1.0.0" "[resource-drop]output-stream" (func $drop-output (param i32)))

  (memory (export "memory") 2)
  (global $free (mut i32) (i32.const 8192))

  ;; Hands out memory from the bottom up and grows when it has to; all of it is taken back before each call of the host.
  (func $realloc (export "cabi_realloc") (param $old i32) (param $old-size i32) (param $align i32) (param $size i32)
    (result i32)
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
  (data (i32.const 128) "test.t")
  (data (i32.const 144) "127.0.0.1")
  (data (i32.const 160) "fg")
  (data (i32.const 168) "1")
  (data (i32.const 176) "buytea")

  (func $succeed (if (i32.load8_u (i32.const 512)) (then unreachable)))

  (func $take-back (global.set $free (i32.const 8192)))

  ;; A value of 64 bytes.
  (func $get (param $times i32)
    (loop $again
      (call $take-back)
      (call $kv-get (i32.const 160) (i32.const 1) (i32.const 512))
      (call $succeed)
      (br_if $again (local.tee $times (i32.sub (local.get $times) (i32.const 1))))))

  (func $set (param $times i32)
    (loop $again
      (call $kv-set (i32.const 160) (i32.const 1) (i32.const 256) (i32.const 64) (i32.const 512))
      (call $succeed)
      (br_if $again (local.tee $times (i32.sub (local.get $times) (i32.const 1))))))

  ;; To itself.
  (func $send (param $times i32)
    (local $subscription i32)
    (call $subscribe (i32.const 128) (i32.const 6) (i32.const 512))
    (call $succeed)
    (local.set $subscription (i32.load (i32.const 516)))
    (loop $again
      (call $take-back)
      (call $publish (i32.const 128) (i32.const 6) (i32.const 168) (i32.const 1) (i32.const 512))
      (call $succeed)
      (call $recv (local.get $subscription) (i64.const 1000) (i32.const 512))
      (call $succeed)
      (br_if $again (local.tee $times (i32.sub (local.get $times) (i32.const 1)))))
    (call $drop-subscription (local.get $subscription)))

  (func $read (param $times i32)
    (loop $again
      (call $take-back)
      (call $read-file (i32.const 160) (i32.const 1) (i32.const 512))
      (call $succeed)
      (br_if $again (local.tee $times (i32.sub (local.get $times) (i32.const 1))))))

  (func $write (param $times i32) (param $size i32)
    (local $content i32)
    (local.set $content (call $realloc (i32.const 0) (i32.const 0) (i32.const 1) (local.get $size)))
    (loop $again
      (call $write-file (i32.const 160) (i32.const 1) (local.get $content) (local.get $size) (i32.const 512))
      (call $succeed)
      (br_if $again (local.tee $times (i32.sub (local.get $times) (i32.const 1))))))

  (func $copy (param $times i32)
    (loop $again
      (call $fs-copy (i32.const 160) (i32.const 1) (i32.const 161) (i32.const 1) (i32.const 512))
      (call $succeed)
      (br_if $again (local.tee $times (i32.sub (local.get $times) (i32.const 1))))))

  (func $reach (param $port i32) (result i32)
    (call $connect (i32.const 144) (i32.const 9) (local.get $port) (i32.const 512))
    (call $succeed)
    (i32.load (i32.const 516)))

  ;; To whoever gives back what comes, and back.
  (func $echo (param $times i32) (param $port i32) (param $size i32)
    (local $peer i32) (local $at i32) (local $left i32)
    (local.set $peer (call $reach (local.get $port)))
    (loop $again
      (call $take-back)
      (local.set $at (call $realloc (i32.const 0) (i32.const 0) (i32.const 1) (local.get $size)))
      (local.set $left (local.get $size))
      (loop $write
        (call $write-bytes (local.get $peer) (local.get $at) (local.get $left) (i32.const 512))
        (call $succeed)
        (local.set $at (i32.add (local.get $at) (i32.load (i32.const 516))))
        (br_if $write (local.tee $left (i32.sub (local.get $left) (i32.load (i32.const 516))))))
      (local.set $left (local.get $size))
      (loop $read
        (call $read-bytes (local.get $peer) (local.get $left) (i32.const 512))
        (call $succeed)
        (if (i32.eqz (i32.load (i32.const 520))) (then unreachable))
        (br_if $read (local.tee $left (i32.sub (local.get $left) (i32.load (i32.const 520))))))
      (br_if $again (local.tee $times (i32.sub (local.get $times) (i32.const 1)))))
    (call $drop-tcp (local.get $peer)))

  ;; A person, who has to say yes.
  (func $ask (param $times i32)
    (loop $again
      (call $take-back)
      (call $request-approval (i32.const 176) (i32.const 3) (i32.const 179) (i32.const 3) (i32.const 512))
      (call $succeed)
      (br_if $again (local.tee $times (i32.sub (local.get $times) (i32.const 1))))))

  ;; From one port to the other, until the first has no more.
  (func $move (param $from-port i32) (param $to-port i32)
    (local $from i32) (local $to i32) (local $in i32) (local $out i32)
    (local.set $from (call $reach (local.get $from-port)))
    (local.set $to (call $reach (local.get $to-port)))
    (local.set $in (call $read-stream (local.get $from)))
    (local.set $out (call $write-stream (local.get $to)))
    (loop $again
      (call $splice (local.get $out) (local.get $in) (i64.const 1048576) (i32.const 512))
      (br_if $again (i32.eqz (i32.load8_u (i32.const 512)))))
    ;; The second arm of the error is `closed`.
    (if (i32.ne (i32.load8_u (i32.const 520)) (i32.const 1)) (then unreachable))
    (call $drop-input (local.get $in))
    (call $drop-output (local.get $out))
    (call $drop-tcp (local.get $from))
    (call $drop-tcp (local.get $to)))

  (func (export "astrid-hook-trigger") (param $action i32) (param $action-len i32) (param $at i32) (param $len i32)
    (result i32)
    (local $times i32) (local $one i32) (local $other i32)
    (if (i32.ne (local.get $len) (i32.const 16)) (then unreachable))
    (local.set $times (i32.load offset=4 (local.get $at)))
    (local.set $one (i32.load offset=8 (local.get $at)))
    (local.set $other (i32.load offset=12 (local.get $at)))
    (block $done
      (block $9 (block $8 (block $7 (block $6 (block $5 (block $4 (block $3 (block $2 (block $1 (block $0
        (br_table $0 $1 $2 $3 $4 $5 $6 $7 $8 $9 (i32.load (local.get $at))))
        (call $get (local.get $times)) (br $done))
        (call $set (local.get $times)) (br $done))
        (call $send (local.get $times)) (br $done))
        (call $read (local.get $times)) (br $done))
        (call $write (local.get $times) (local.get $one)) (br $done))
        (call $copy (local.get $times)) (br $done))
        (call $move (local.get $one) (local.get $other)) (br $done))
        (call $echo (local.get $times) (local.get $one) (local.get $other)) (br $done))
        (call $ask (local.get $times)) (br $done))
      unreachable)
    (i32.const 64))

  (func (export "cabi_post_astrid-hook-trigger") (param i32) (call $take-back))
)
