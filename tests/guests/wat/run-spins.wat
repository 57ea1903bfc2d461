(;wit
world guest {
    include astrid:guest/background@1.0.0;
}
;)

;; A run loop that never calls the host.
(module
  (func (export "run") (loop $forever (br $forever)))
)
