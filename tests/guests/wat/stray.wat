(;wit
world guest {
    include astrid:guest/interceptor@1.0.0;
}
;)

;; A hook that reads where no memory is.
(module
  (memory (export "memory") 1)

  ;; What it is called with goes over what came before; the end is reached before anything of it is looked at.
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)
    (i32.const 4096))

  (func (export "astrid-hook-trigger") (param i32 i32 i32 i32) (result i32)
    (i32.load (i32.const -16)))
)
