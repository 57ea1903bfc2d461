(;wit
package demo:parts@1.0.0 {
    interface twice {
        value: func() -> u64;
    }
}

world guest {
    export demo:parts/twice@1.0.0;
}
;)

;; A library whose function has another type than those expect who link it.
(module
  (func (export "demo:parts/twice@1.0.0#value") (result i64)
    (i64.const 8))
)
