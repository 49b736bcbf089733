/* SPDX-License-Identifier: MIT */
/* anemone serve: models over HTTP, until told to stop. */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "anemone/serve.h"
#include "src/cli/cli.h"
#include "src/cli/modelarg.h"

enum { MOST_MODELS = 64 };

typedef struct serve_settings {
    const char *host, *api_key, *cors, *precision, *cpu, *matmul;
    int64_t port, sessions, queue, body, connections, threads;
    double timeout, read_timeout, grace;
    bool quiet;
} serve_settings;

static void set_defaults(serve_settings *s) {
    anm_server_options o;
    anm_server_options_init(&o);
    *s = (serve_settings){.host = o.host,
                          .precision = "fp16",
                          .port = o.port,
                          .sessions = o.sessions,
                          .queue = o.queue_limit,
                          .body = (int64_t)(o.body_limit >> 10),
                          .connections = o.connection_limit,
                          .timeout = o.request_timeout,
                          .read_timeout = o.read_timeout,
                          .grace = 30};
}

enum { OPTIONS = 16 };
static void fill_options(serve_settings *s, cli_option *options) {
    const cli_option table[OPTIONS] = {
        {"host", 0, CLI_STRING, &s->host, "HOST",
         "address to listen on (default 127.0.0.1: this machine only)"},
        {"port", 'p', CLI_INT, &s->port, "PORT", "default 8080; 0: any free one, which is printed"},
        {"api-key", 0, CLI_STRING, &s->api_key, "KEY",
         "asked of clients (default: $ANEMONE_API_KEY)"},
        {"cors", 0, CLI_STRING, &s->cors, "ORIGIN", "whose web pages may use it; * for all"},
        {"sessions", 's', CLI_INT, &s->sessions, "N",
         "answers at once, each with a KV cache (default 4)"},
        {"queue", 0, CLI_INT, &s->queue, "N", "requests that may wait (default 64)"},
        {"timeout", 0, CLI_FLOAT, &s->timeout, "S",
         "seconds that a request may take (default 600)"},
        {"read-timeout", 0, CLI_FLOAT, &s->read_timeout, "S",
         "seconds to send a request in (default 30)"},
        {"grace", 0, CLI_FLOAT, &s->grace, "S",
         "seconds to finish in, when told to stop (default 30)"},
        {"max-body", 0, CLI_INT, &s->body, "KIB", "size of a request (default 4096)"},
        {"max-connections", 0, CLI_INT, &s->connections, "N", "default 256"},
        {"precision", 0, CLI_STRING, &s->precision, "fp16|fp32", "arithmetic (default fp16)"},
        {"threads", 0, CLI_INT, &s->threads, "N", "of the engine (default: one a processor)"},
        {"cpu", 0, CLI_STRING, &s->cpu, "LEVEL", "highest level of instructions"},
        {"matmul-precision", 0, CLI_STRING, &s->matmul, "auto|high|medium",
         "of many rows: medium has 8 bits (default auto)"},
        {"quiet", 'q', CLI_FLAG, &s->quiet, NULL, "no line for each request"},
    };
    memcpy(options, table, sizeof table);
}

static int check(const cli_spec *spec, const serve_settings *s) {
    if (strcmp(s->precision, "fp16") != 0 && strcmp(s->precision, "fp32") != 0)
        return cli_usage(spec, "--precision is fp16 or fp32, not \"%s\"", s->precision);
    if (s->port > 65535) return cli_usage(spec, "--port is 0 to 65535");
    if (s->sessions < 1 || s->sessions > 1024) return cli_usage(spec, "--sessions is 1 to 1024");
    if (s->queue > 1000000) return cli_usage(spec, "--queue is too large");
    if (s->body < 1 || s->body > 1 << 20) return cli_usage(spec, "--max-body is 1 to 1048576");
    if (s->connections < 1 || s->connections > 60000)
        return cli_usage(spec, "--max-connections is 1 to 60000");
    if (s->threads > 1024) return cli_usage(spec, "--threads is too large");
    if (!(s->timeout > 0)) return cli_usage(spec, "--timeout must be above 0");
    if (!(s->read_timeout > 0)) return cli_usage(spec, "--read-timeout must be above 0");
    if (!(s->grace >= 0)) return cli_usage(spec, "--grace must be 0 or more");
    if (s->api_key && !*s->api_key) return cli_usage(spec, "--api-key is empty");
    return -1;
}

/* The path alone, without a query, in which clients may write anything. */
static void log_request(void *context, const char *method, const char *path, unsigned status,
                        double seconds) {
    char now[32];
    struct tm local;
    time_t t = time(NULL);
    (void)context;
    strftime(now, sizeof now, "%H:%M:%S", localtime_r(&t, &local));
    fprintf(stderr, "%s %u %.3f s %s ", now, status, seconds, method);
    for (const char *p = path; *p; p++)
        fputc((unsigned char)*p < ' ' || *p == 127 ? '?' : *p, stderr);
    fputc('\n', stderr);
}

static anm_server_options to_options(const serve_settings *s) {
    anm_server_options o;
    const char *key = getenv("ANEMONE_API_KEY");
    anm_server_options_init(&o);
    o.host = s->host;
    o.port = (int)s->port;
    o.api_key = s->api_key;
    if (!o.api_key && key && *key) o.api_key = key;
    o.cors_origin = s->cors;
    o.sessions = (int)s->sessions;
    o.queue_limit = (int)s->queue;
    o.body_limit = (size_t)s->body << 10;
    o.connection_limit = (int)s->connections;
    o.request_timeout = s->timeout;
    o.read_timeout = s->read_timeout;
    if (!s->quiet) o.log = log_request;
    o.model.threads = (int)s->threads;
    o.model.cpu = s->cpu;
    o.model.matmul_precision = s->matmul;
    if (strcmp(s->precision, "fp32") == 0) o.model.precision = ANM_PRECISION_FP32;
    return o;
}

/* Those that would end the program; under nohup, or in the background, one may be ignored. */
static sigset_t stop_signals(void) {
    static const int signals[] = {SIGINT, SIGTERM, SIGHUP};
    sigset_t set;
    sigemptyset(&set);
    for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++) {
        struct sigaction now;
        if (sigaction(signals[i], NULL, &now) == 0 && now.sa_handler != SIG_IGN)
            sigaddset(&set, signals[i]);
    }
    return set;
}

static void announce(const anm_server *server, const anm_server_options *o) {
    bool v6 = strchr(o->host, ':') != NULL;
    for (size_t i = 0; anm_server_model_id(server, i); i++)
        printf("model %s\n", anm_server_model_id(server, i));
    printf("listening on http://%s%s%s:%d%s\n", v6 ? "[" : "", o->host, v6 ? "]" : "",
           anm_server_port(server), o->api_key ? " (API key wanted)" : "");
    fflush(stdout);
}

/* Threads inherit the mask, so that the signals come to sigwait() here and nowhere else. */
static int serve(const anm_server_model *models, size_t count, const serve_settings *settings) {
    anm_server_options options = to_options(settings);
    anm_server *server;
    anm_error err;
    sigset_t stop = stop_signals();
    int signal_ = 0;
    pthread_sigmask(SIG_BLOCK, &stop, NULL);
    signal(SIGPIPE, SIG_IGN);
    if (anm_server_start(models, count, &options, &server, &err) != ANM_OK) return cli_fail(&err);
    announce(server, &options);
    while (sigwait(&stop, &signal_) != 0) continue;
    /* The second one ends the program at once. */
    pthread_sigmask(SIG_UNBLOCK, &stop, NULL);
    fprintf(stderr, "stopping; what is being answered has %g s\n", settings->grace);
    anm_server_stop(server, settings->grace);
    return 0;
}

/* "ID=PATH" or a path; a path with "=" in it can be written "./a=b". */
static anm_server_model parse_model(char *operand) {
    char *equals = strchr(operand, '='), *slash = strchr(operand, '/');
    if (!equals || equals == operand || (operand[0] == '.' && slash && slash < equals))
        return (anm_server_model){operand, NULL};
    if (slash == operand) return (anm_server_model){operand, NULL};
    *equals = '\0';
    return (anm_server_model){equals + 1, operand};
}

/* A model by name is called by it, unless it is given another. */
static int take_model(char *operand, anm_server_model *out) {
    *out = parse_model(operand);
    const char *name = out->path;
    int code = cli_model(name, &out->path);
    if (code < 0 && !out->id && strcmp(name, out->path) != 0) out->id = name;
    return code;
}

int cmd_serve(int argc, char **argv) {
    serve_settings settings;
    cli_option options[OPTIONS];
    set_defaults(&settings);
    fill_options(&settings, options);
    const cli_spec spec = {"serve",
                           "[ID=]MODEL...",
                           1,
                           MOST_MODELS,
                           "Offers models over HTTP, in the form of OpenAI's API.",
                           "MODEL is a directory of packages, or an encoder's package; ID is what "
                           "requests call it.\nCtrl-C lets answers end and stops; a second one "
                           "stops at once.",
                           options,
                           OPTIONS};
    char **operands;
    int count, code = cli_parse(&spec, argc, argv, &operands, &count);
    if (code < 0) code = check(&spec, &settings);
    if (code >= 0) return code;
    anm_server_model models[MOST_MODELS];
    for (int i = 0; i < count && code < 0; i++) code = take_model(operands[i], &models[i]);
    if (code >= 0) return code;
    return serve(models, (size_t)count, &settings);
}
