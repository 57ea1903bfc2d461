(;wit
package demo:parts@1.0.0 {
    interface base {
        value: func() -> u32;
    }
    interface twice {
        value: func() -> u32;
    }
}

world guest {
    import demo:parts/base@1.0.0;
    export demo:parts/twice@1.0.0;
}
;)

;; A library that needs another one: twice what `base` gives.
(module
  (import "demo:parts/base@1.0.0" "value" (func $value (result i32)))

  (func (export "demo:parts/twice@1.0.0#value") (result i32)
    (i32.mul (call $value) (i32.const 2)))
)
