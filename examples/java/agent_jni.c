/*
 * What Agent.java calls. Texts cross as bytes that end with a NUL, since Java's own way of handing texts to C is not UTF-8.
 *
 * The host asks on the thread that waits for it (ASTRID_CALLBACKS_DISPATCH), which is Java's already: no thread of the library
 * has to be attached to the machine, and what the Java method throws is thrown where the capsule was called.
 */
#include <jni.h>
#include <stdlib.h>
#include <string.h>

#include "astrid_host.h"

/* Whom the host asks. */
struct person {
  JavaVM *machine;
  jobject agent;
  jmethodID approve;
};

static jbyteArray bytes(JNIEnv *env, const char *text, size_t length) {
  jbyteArray array = (*env)->NewByteArray(env, (jsize)length);
  if (array) (*env)->SetByteArrayRegion(env, array, 0, (jsize)length, (const jbyte *)text);
  return array;
}

/* A copy, so that nothing of Java's is held while a guest runs; NULL when memory is short, which the library refuses. */
static char *copied(JNIEnv *env, jbyteArray text) {
  jsize length = (*env)->GetArrayLength(env, text);
  char *copy = malloc((size_t)length);
  if (copy) (*env)->GetByteArrayRegion(env, text, 0, length, (jbyte *)copy);
  return copy;
}

/* Throws what went wrong as an Agent.Failure, unless the Java method that was asked has thrown already. */
static int failed(JNIEnv *env, astrid_status status, astrid_error *error) {
  if (status != ASTRID_OK && !(*env)->ExceptionCheck(env)) {
    const char *code = astrid_error_code(error), *message = astrid_error_message(error);
    jclass class = (*env)->FindClass(env, "Agent$Failure");
    jmethodID make = class ? (*env)->GetMethodID(env, class, "<init>", "([B[B)V") : NULL;
    jbyteArray first = make ? bytes(env, code, strlen(code)) : NULL;
    jbyteArray second = first ? bytes(env, message, strlen(message)) : NULL;
    jobject failure = second ? (*env)->NewObject(env, class, make, first, second) : NULL;
    if (failure) (*env)->Throw(env, failure);
  }
  astrid_error_free(error);
  return status != ASTRID_OK;
}

static void decide(void *ctx, const astrid_approval_question *question, astrid_approval_answer *answer) {
  struct person *person = ctx;
  JNIEnv *env = NULL;
  jbyteArray resource = NULL;
  (*person->machine)->GetEnv(person->machine, (void **)&env, JNI_VERSION_10);
  if (!(*env)->ExceptionCheck(env)) resource = bytes(env, question->resource, strlen(question->resource));
  jboolean yes = JNI_FALSE;
  if (resource) yes = (*env)->CallBooleanMethod(env, person->agent, person->approve, resource);
  if ((*env)->ExceptionCheck(env)) astrid_approval_answer_fail(answer, "the Java method threw");
  else astrid_approval_answer_decide(answer, yes ? ASTRID_APPROVE : ASTRID_DENY);
  astrid_approval_answer_free(answer);
  (*env)->DeleteLocalRef(env, resource);
}

/* The library lets go on a thread of its choice, so this one may have to be attached for a moment. */
static void let_go(void *ctx) {
  struct person *person = ctx;
  JavaVM *machine = person->machine;
  JNIEnv *env = NULL;
  int ours = (*machine)->GetEnv(machine, (void **)&env, JNI_VERSION_10) == JNI_OK;
  if (ours || (*machine)->AttachCurrentThread(machine, (void **)&env, NULL) == JNI_OK) {
    (*env)->DeleteGlobalRef(env, person->agent);
    if (!ours) (*machine)->DetachCurrentThread(machine);
  }
  free(person);
}

JNIEXPORT jlong JNICALL Java_Agent_open(JNIEnv *env, jobject agent, jbyteArray home, jboolean checks) {
  struct person *person = calloc(1, sizeof *person);
  if (!person) abort();
  (*env)->GetJavaVM(env, &person->machine);
  person->agent = (*env)->NewGlobalRef(env, agent);
  person->approve = (*env)->GetMethodID(env, (*env)->GetObjectClass(env, agent), "approve", "([B)Z");
  char *folder = copied(env, home);

  astrid_host_options options;
  astrid_host_options_init(&options, sizeof options);
  options.home = folder;
  options.callbacks = ASTRID_CALLBACKS_DISPATCH;
  options.no_signal_traps = checks;
  options.on_approval = (astrid_approval_callback){person, decide, let_go};
  astrid_host *host = NULL;
  astrid_error *error = NULL;
  failed(env, astrid_host_open(&options, &host, &error), error);
  free(folder);
  return (jlong)host;
}

/* Installs the capsule in a folder and loads it. */
JNIEXPORT jlong JNICALL Java_Agent_load(JNIEnv *env, jclass class, jlong host, jbyteArray path) {
  (void)class;
  char *folder = copied(env, path);
  astrid_load_options options;
  astrid_load_options_init(&options, sizeof options);
  options.principal = "alice";
  astrid_capsule *capsule = NULL;
  astrid_error *error = NULL;
  astrid_status status = astrid_host_install((astrid_host *)host, folder, &options, NULL, &error);
  if (status == ASTRID_OK) status = astrid_host_load((astrid_host *)host, folder, &options, &capsule, &error);
  failed(env, status, error);
  free(folder);
  return (jlong)capsule;
}

JNIEXPORT jbyteArray JNICALL Java_Agent_trigger(JNIEnv *env, jclass class, jlong capsule, jbyteArray action,
                                                jbyteArray payload) {
  (void)class;
  char *hook = copied(env, action), *data = copied(env, payload);
  astrid_trigger_options options;
  astrid_trigger_options_init(&options, sizeof options);
  options.principal = "alice";
  astrid_hook_result *result = NULL;
  astrid_error *error = NULL;
  astrid_status status = astrid_capsule_trigger((astrid_capsule *)capsule, hook, (const uint8_t *)data,
                                                data ? strlen(data) : 0, &options, &result, &error);
  jbyteArray answer = NULL;
  if (!failed(env, status, error)) answer = bytes(env, result->data.data, result->data.length);
  astrid_hook_result_free(result);
  free(hook);
  free(data);
  return answer;
}

JNIEXPORT void JNICALL Java_Agent_free(JNIEnv *env, jclass class, jlong capsule) {
  (void)env, (void)class;
  astrid_capsule_free((astrid_capsule *)capsule);
}

JNIEXPORT void JNICALL Java_Agent_close(JNIEnv *env, jclass class, jlong host) {
  (void)class;
  astrid_error *error = NULL;
  failed(env, astrid_host_close((astrid_host *)host, &error), error);
  astrid_host_free((astrid_host *)host);
}
