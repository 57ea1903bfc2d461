/*
 * A chat bridge in one event loop: people on a chat platform talk with a capsule, and the capsule writes to them.
 *
 *   bridge CAPSULE HOME [PORT]      CAPSULE: the folder examples/capsules/concierge; HOME: a folder that is new
 *
 * The platform is lines of text over TCP: the first line says who it is, each further one is a question to the concierge, and
 * "/tell WHO TEXT" has the concierge write to somebody. With a port it serves; without one it plays a conversation with itself.
 *
 * Every callback of the host runs in the loop, on its thread: the wake descriptor is one more descriptor for epoll.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <ctype.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "support.h"

enum { PEOPLE = 16, LINE = 1024 };

/* Somebody who is connected; a name that is empty was not said yet. */
struct person {
  int socket;
  char name[32], line[LINE];
  size_t used;
};

static struct person people[PEOPLE];
static astrid_host *host;
static astrid_capsule *desk;

static struct person *find(const char *name) {
  for (int n = 0; n < PEOPLE; n++) {
    if (people[n].socket && *name && !strcmp(people[n].name, name)) return &people[n];
  }
  return NULL;
}

/* Sends somebody a line, if they are still there; a line is so short that the socket takes it. */
static int say(const char *name, const char *text, int length) {
  struct person *person = find(name);
  return person && dprintf(person->socket, "%.*s\n", length, text) > 0;
}

/* What the capsule writes to somebody outside. */
static void deliver(void *ctx, const astrid_uplink_event *event, astrid_uplink_answer *answer) {
  (void)ctx;
  int there = event->kind != ASTRID_UPLINK_MESSAGE ||
              say(event->platform_user, event->content, (int)strlen(event->content));
  astrid_uplink_answer_delivery(answer, there ? ASTRID_DELIVERED : ASTRID_NO_SESSION);
  astrid_uplink_answer_free(answer);
}

/* Nobody answers the questions of the installation; the concierge does without. */
static void shrug(void *ctx, const astrid_elicit_question *question, astrid_elicit_answer *answer) {
  (void)ctx, (void)question;
  astrid_elicit_answer_cancel(answer);
  astrid_elicit_answer_free(answer);
}

/* Brings what the capsule answers to who asked. */
static void pass_on(void *ctx, const astrid_message *message) {
  (void)ctx;
  struct value said = field(message->payload.data, "answer");
  say(strrchr(message->topic.data, '.') + 1, said.start, said.length);
}

/* Says whether the capsule could write; `ctx` is who asked it to. */
static void told(void *ctx, astrid_status status, const astrid_hook_result *result, const astrid_error *error) {
  char text[LINE];
  int length = snprintf(text, sizeof text, "[%s]", status ? astrid_error_message(error) : result->data.data);
  say(ctx, text, length);
}

/* The text as JSON. */
static void quote(char *json, size_t size, const char *text) {
  size_t used = 0;
  json[used++] = '"';
  for (; *text && used + 8 < size; text++) {
    if (*text == '"' || *text == '\\') json[used++] = '\\', json[used++] = *text;
    else if ((unsigned char)*text < ' ') used += (size_t)snprintf(json + used, 7, "\\u%04x", *text);
    else json[used++] = *text;
  }
  memcpy(json + used, "\"", 2);
}

/* Lets a person in, who is the principal of that name; the account is made when it comes for the first time. */
static void introduce(struct person *person, const char *name) {
  int plain = *name && strlen(name) < sizeof person->name && !find(name);
  for (const char *at = name; *at; at++) plain &= isalnum((unsigned char)*at) != 0;
  if (!plain) {
    shutdown(person->socket, SHUT_RDWR);
    return;
  }
  char text[64];
  astrid_string user;
  MUST(astrid_host_users(host, &user, &error));
  snprintf(text, sizeof text, "\"display_name\":\"%s\"", name);
  int known = strstr(user.data, text) != NULL;
  astrid_string_free(&user);
  if (!known) {
    MUST(astrid_host_create_user(host, name, name, &user, &error));
    struct value id = field(user.data, "id");
    snprintf(text, sizeof text, "%.*s", id.length, id.start);
    astrid_string_free(&user);
    MUST(astrid_host_link_account(host, text, "demo", name, "bridge", &error));
  }
  strcpy(person->name, name);
}

static void heard(struct person *person, char *line) {
  char payload[4 * LINE], text[2 * LINE], user[LINE];
  int at = 0;
  if (!*person->name) {
    introduce(person, line);
  } else if (sscanf(line, "/tell %31[A-Za-z0-9] %n", user, &at) == 1 && at) {
    quote(text, sizeof text, line + at);
    snprintf(payload, sizeof payload, "{\"user\":\"%s\",\"text\":%s}", user, text);
    astrid_trigger_options options;
    astrid_trigger_options_init(&options, sizeof options);
    options.principal = "desk";
    astrid_completion completion = {strdup(person->name), told, free};
    MUST(astrid_capsule_trigger_async(desk, "notify", (const uint8_t *)payload, strlen(payload), &options, completion,
                                      NULL, &error));
  } else {
    quote(payload, sizeof payload, line);
    snprintf(text, sizeof text, "concierge.v1.ask.%s", person->name);
    astrid_publish_options options;
    astrid_publish_options_init(&options, sizeof options);
    options.principal = person->name;
    MUST(astrid_host_publish(host, text, (const uint8_t *)payload, strlen(payload), &options, NULL, &error));
  }
}

/* Reads what there is; tells whether the person is still there. A line that is too long ends it. */
static int serve(struct person *person) {
  ssize_t got = read(person->socket, person->line + person->used, sizeof person->line - person->used);
  if (got <= 0) return 0;
  person->used += (size_t)got;
  char *end;
  while ((end = memchr(person->line, '\n', person->used))) {
    *end = 0;
    heard(person, person->line);
    person->used -= (size_t)(end + 1 - person->line);
    memmove(person->line, end + 1, person->used);
  }
  return person->used < sizeof person->line;
}

/* Is somebody on the platform for a while. */
static void *play(void *ctx) {
  static const struct { const char *said; int lines; } script[] = {
      {"Is there tea?", 1}, {"/tell ann Your tea is ready.", 2}, {"/tell bob Come too.", 1}};
  int fd = socket(AF_INET, SOCK_STREAM, 0);
  char line[LINE];
  if (connect(fd, ctx, sizeof(struct sockaddr_in))) return NULL;
  FILE *heard = fdopen(dup(fd), "r");
  dprintf(fd, "ann\n");
  for (size_t n = 0; n < sizeof script / sizeof *script; n++) {
    printf("ann: %s\n", script[n].said);
    dprintf(fd, "%s\n", script[n].said);
    for (int m = 0; m < script[n].lines && fgets(line, sizeof line, heard); m++) printf("  -> %s", line);
  }
  fclose(heard);
  close(fd);
  return NULL;
}

static void watch(int epoll, int descriptor) {
  struct epoll_event event = {.events = EPOLLIN, .data.fd = descriptor};
  epoll_ctl(epoll, EPOLL_CTL_ADD, descriptor, &event);
}

static void enter(int epoll, int socket) {
  for (int n = 0; n < PEOPLE; n++) {
    if (people[n].socket) continue;
    people[n] = (struct person){.socket = socket};
    watch(epoll, socket);
    return;
  }
  close(socket);
}

/* Serves until the last person has left when `once` is set, for ever otherwise. */
static void loop(int listener, int once) {
  int epoll = epoll_create1(EPOLL_CLOEXEC), wake, here = 0;
  MUST(astrid_host_wake_fd(host, &wake, &error));
  watch(epoll, wake);
  watch(epoll, listener);
  for (struct epoll_event event; !once || here >= 0;) {
    if (epoll_wait(epoll, &event, 1, -1) != 1) continue;
    if (event.data.fd == wake) {
      MUST(astrid_host_dispatch(host, NULL, &error));
    } else if (event.data.fd == listener) {
      enter(epoll, accept(listener, NULL, NULL));
      here++;
    } else {
      for (int n = 0; n < PEOPLE; n++) {
        if (people[n].socket != event.data.fd || serve(&people[n])) continue;
        close(people[n].socket);
        people[n].socket = 0;
        if (--here == 0) here = -1;
      }
    }
  }
  close(epoll);
}

int main(int count, char **arguments) {
  if (count != 3 && count != 4) {
    fprintf(stderr, "usage: %s CAPSULE HOME [PORT]\n", arguments[0]);
    return 2;
  }
  astrid_host_options options;
  astrid_host_options_init(&options, sizeof options);
  options.home = arguments[2];
  options.callbacks = ASTRID_CALLBACKS_DISPATCH;
  options.on_elicit.call = shrug;
  options.on_uplink.call = deliver;
  MUST(astrid_host_open(&options, &host, &error));
  astrid_load_options load;
  astrid_load_options_init(&load, sizeof load);
  load.principal = "desk";
  MUST(astrid_host_install(host, arguments[1], &load, NULL, &error));
  /* Its one run loop answers everybody, each for themselves. */
  load.shared = 1;
  MUST(astrid_host_load(host, arguments[1], &load, &desk, &error));
  MUST(astrid_capsule_wait_ready(desk, 10000, &error));
  astrid_message_callback answers = {NULL, pass_on, NULL};
  astrid_subscription *subscription;
  MUST(astrid_host_subscribe(host, "concierge.v1.answer.*", &answers, &subscription, &error));

  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  address.sin_port = htons(count == 4 ? (uint16_t)atoi(arguments[3]) : 0);
  socklen_t size = sizeof address;
  int listener = socket(AF_INET, SOCK_STREAM, 0);
  if (bind(listener, (struct sockaddr *)&address, size) || listen(listener, 8)) {
    perror("the port cannot be served");
    return 1;
  }
  getsockname(listener, (struct sockaddr *)&address, &size);
  pthread_t player;
  if (count == 3) pthread_create(&player, NULL, play, &address);
  loop(listener, count == 3);
  if (count == 3) pthread_join(player, NULL);
  close(listener);
  astrid_subscription_free(subscription);
  astrid_capsule_free(desk);
  MUST(astrid_host_close(host, &error));
  astrid_host_free(host);
  return 0;
}
