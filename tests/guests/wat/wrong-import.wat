;; Imports a function of the contract with another result than the contract gives it (u32 for u64). Written as a component,
;; since the interface it imports is not the one in `wit/`.
(component
  (import "astrid:sys/host@1.0.0" (instance $sys
    (export "clock-ms" (func (result u32)))))
  (core func $clock-ms (canon lower (func $sys "clock-ms")))

  (core module $guest
    (import "sys" "clock-ms" (func $clock-ms (result i32)))
    (func (export "run") (drop (call $clock-ms))))
  (core instance $guest (instantiate $guest
    (with "sys" (instance (export "clock-ms" (func $clock-ms))))))

  (func (export "run") (canon lift (core func $guest "run"))))
