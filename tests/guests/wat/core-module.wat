;; A bare core module, not a component: what a compiler leaves before it is wrapped. No world is given, so it stays as it is.
(module
  (memory (export "memory") 1)
  (func (export "run")))
