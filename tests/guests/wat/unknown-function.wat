;; Imports a function that the interface, at this version, does not have. Written as a component, since the interface it
;; imports is not the one in `wit/`.
(component
  (import "astrid:kv/host@1.0.0" (instance $kv
    (export "kv-count" (func (result u32)))))
  (core func $kv-count (canon lower (func $kv "kv-count")))

  (core module $guest
    (import "kv" "kv-count" (func $kv-count (result i32)))
    (func (export "run") (drop (call $kv-count))))
  (core instance $guest (instantiate $guest
    (with "kv" (instance (export "kv-count" (func $kv-count))))))

  (func (export "run") (canon lift (core func $guest "run"))))
