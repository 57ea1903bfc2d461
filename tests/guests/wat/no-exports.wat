(;wit
world guest {}
;)

;; A component that exports nothing: it can be loaded, and there is nothing to call.
(module)
