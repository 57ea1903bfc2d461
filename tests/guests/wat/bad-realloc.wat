(;wit
world guest {
    include astrid:guest/interceptor@1.0.0;
}
;)

;; A guest that offers memory it does not have: the host cannot even hand over the arguments.
(module
  (memory (export "memory") 1)

  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)
    (i32.const 0x7ffffff0))

  ;; capsule-result { action: "continue", data: none }, and the text it points to.
  (data (i32.const 64) "\60\00\00\00\08\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00")
  (data (i32.const 96) "continue")

  (func (export "astrid-hook-trigger") (param i32 i32 i32 i32) (result i32)
    (i32.const 64))
)
