(;wit
package demo:parts@1.0.0 {
    interface base {
        value: func() -> u32;
    }
}

world guest {
    export demo:parts/base@1.0.0;
}
;)

;; A library that gives others the number 4 and needs nothing.
(module
  (func (export "demo:parts/base@1.0.0#value") (result i32)
    (i32.const 4))
)
