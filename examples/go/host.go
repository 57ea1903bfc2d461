package main

/*
#include <stdlib.h>
#include "astrid_host.h"

void decideInGo(uintptr_t handle, astrid_approval_question *question, astrid_approval_answer *answer);
void letGoInGo(uintptr_t handle);

// Go refuses a handle in the clothes of a pointer: it is a number, and only C may carry it as an address.
static void decide(void *ctx, const astrid_approval_question *question, astrid_approval_answer *answer) {
  decideInGo((uintptr_t)ctx, (astrid_approval_question *)question, answer);
}

static void let_go(void *ctx) { letGoInGo((uintptr_t)ctx); }

static astrid_approval_callback approval_callback(uintptr_t handle) {
  return (astrid_approval_callback){(void *)handle, decide, let_go};
}
*/
import "C"

import (
	"runtime/cgo"
	"unsafe"
)

// Failure is what the library refused or a guest did wrong, by the code that is the same in every language.
type Failure struct{ Code, Message string }

func (failure *Failure) Error() string { return failure.Code + ": " + failure.Message }

// failed gives the error of a call, and frees it.
func failed(status C.astrid_status, failure *C.astrid_error) error {
	if status == C.ASTRID_OK {
		return nil
	}
	defer C.astrid_error_free(failure)
	return &Failure{C.GoString(C.astrid_error_code(failure)), C.GoString(C.astrid_error_message(failure))}
}

// Host runs capsules. Any goroutine may use it.
type Host struct{ handle *C.astrid_host }

// Capsule is loaded. Any goroutine may use it until it is freed.
type Capsule struct{ handle *C.astrid_capsule }

// Open opens a host in a folder. approve, which decides by the resource, is asked on threads of the library. With checks guests
// look for faults themselves; otherwise the host has handlers of signals, and hands on to Go what is not a guest's.
func Open(home string, checks bool, approve func(resource string) bool) (*Host, error) {
	folder := C.CString(home)
	defer C.free(unsafe.Pointer(folder))
	var options C.astrid_host_options
	C.astrid_host_options_init(&options, C.size_t(unsafe.Sizeof(options)))
	options.home = folder
	if checks {
		options.no_signal_traps = 1
	}
	options.on_approval = C.approval_callback(C.uintptr_t(cgo.NewHandle(approve)))
	var host *C.astrid_host
	var failure *C.astrid_error
	if err := failed(C.astrid_host_open(&options, &host, &failure), failure); err != nil {
		return nil, err
	}
	return &Host{host}, nil
}

//export decideInGo
func decideInGo(handle C.uintptr_t, question *C.astrid_approval_question, answer *C.astrid_approval_answer) {
	defer C.astrid_approval_answer_free(answer)
	decision := C.int(C.ASTRID_DENY)
	if cgo.Handle(handle).Value().(func(string) bool)(C.GoString(question.resource)) {
		decision = C.ASTRID_APPROVE
	}
	C.astrid_approval_answer_decide(answer, decision)
}

//export letGoInGo
func letGoInGo(handle C.uintptr_t) { cgo.Handle(handle).Delete() }

// Load installs the capsule in a folder and loads it.
func (host *Host) Load(path string) (*Capsule, error) {
	folder, owner := C.CString(path), C.CString("alice")
	defer C.free(unsafe.Pointer(folder))
	defer C.free(unsafe.Pointer(owner))
	var options C.astrid_load_options
	C.astrid_load_options_init(&options, C.size_t(unsafe.Sizeof(options)))
	options.principal = owner
	var capsule *C.astrid_capsule
	var failure *C.astrid_error
	if err := failed(C.astrid_host_install(host.handle, folder, &options, nil, &failure), failure); err != nil {
		return nil, err
	}
	if err := failed(C.astrid_host_load(host.handle, folder, &options, &capsule, &failure), failure); err != nil {
		return nil, err
	}
	return &Capsule{capsule}, nil
}

// Trigger calls the capsule's hook for its owner and gives the data of the answer.
func (capsule *Capsule) Trigger(action, payload string) (string, error) {
	hook, data, owner := C.CString(action), C.CString(payload), C.CString("alice")
	defer C.free(unsafe.Pointer(hook))
	defer C.free(unsafe.Pointer(data))
	defer C.free(unsafe.Pointer(owner))
	var options C.astrid_trigger_options
	C.astrid_trigger_options_init(&options, C.size_t(unsafe.Sizeof(options)))
	options.principal = owner
	var result *C.astrid_hook_result
	var failure *C.astrid_error
	status := C.astrid_capsule_trigger(capsule.handle, hook, (*C.uint8_t)(unsafe.Pointer(data)), C.size_t(len(payload)),
		&options, &result, &failure)
	if err := failed(status, failure); err != nil {
		return "", err
	}
	defer C.astrid_hook_result_free(result)
	return C.GoStringN(result.data.data, C.int(result.data.length)), nil
}

// Free lets go of the capsule's handle; the capsule goes with its host.
func (capsule *Capsule) Free() { C.astrid_capsule_free(capsule.handle) }

// Close stops every guest and gives the home free.
func (host *Host) Close() error {
	defer C.astrid_host_free(host.handle)
	var failure *C.astrid_error
	return failed(C.astrid_host_close(host.handle, &failure), failure)
}
