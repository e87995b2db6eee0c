/* fuzz_sieve.c - a script and a message, whatever they are: compiling and running must end, within
 * memory, with an answer. Build and run: tests/fuzz/run.sh fuzz_sieve 60
 *
 * The input is the script, a byte 0x1E, the message. A script without "require" gets one for
 * everything there is. */
#include "mail/message.h"
#include "sieve-lite/registry.h"
#include "sieve-lite/report.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void ignore(void *context, const struct sieve_trace_event *event)
{
	*(size_t *)context += event->value.len + event->key.len;
}

/* Includes take a piece of the input for their script. */
static enum sieve_answer load(
    void *context, struct arena *arena, struct span name, bool is_global, struct span *source_out)
{
	const struct span *input = context;
	size_t start = name.len * 7 % (input->len + 1);
	*source_out = arena_span(arena, span_from(*input, start));
	return is_global && name.len % 3 == 0 ? SIEVE_NO : SIEVE_YES;
}

static void run(struct arena *arena, const struct sieve_script *script, struct span text)
{
	struct status status;
	struct message message;
	struct sieve_result result;
	struct envelope envelope = {0};
	struct envelope_recipient recipient = {0};
	size_t seen = 0;
	const struct sieve_trace trace = {&seen, ignore};
	struct sieve_input input = {
	    .message = &message,
	    .envelope = &envelope,
	    .recipient = &recipient,
	    .recipient_delimiter = "+-",
	    .now = {.tv_sec = 1795255200},
	    .trace = text.len % 2 == 0 ? &trace : NULL,
	};
	address_parse(arena, SPAN("sender@example.org"), &envelope.sender, NULL);
	address_parse(arena, SPAN("me+detail@example.net"), &recipient.address, NULL);
	struct spool *spool = spool_new("/tmp");
	if (spool_append(spool, text.data, text.len, &status) && spool_finish(spool, &status) &&
	    message_open(arena, spool, &message, &status))
		sieve_run(arena, script, &input, &result);
	spool_free(&spool);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct span input = {(const char *)data, len};
	size_t split = span_find(input, 0x1E);
	struct arena *arena = arena_new();
	struct bytes source = {0};
	struct sieve_errors errors = {0};
	const struct sieve_compile_options options = {.name = "fuzz",
	    .abilities = SIEVE_CAN_EVERYTHING,
	    .finds_warnings = true,
	    .load_context = &input,
	    .load = load};
	if (memmem(data, len, "require", 7) == NULL) {
		for (size_t i = 0; i < registry_count(); i++) {
			if (registry_extension(i)->name != NULL)
				bytes_appendf(
				    &source, "require \"%s\";\n", registry_extension(i)->name);
		}
	}
	bytes_append_span(&source, span_first(input, split));
	struct sieve_script *script = sieve_compile(arena, bytes_span(&source), &options, &errors);
	struct bytes report = {0};
	for (struct sieve_error *error = errors.first; error != NULL; error = error->next)
		report_error(&report, error, "fuzz", bytes_span(&source));
	if ((script == NULL) != (errors.error_count > 0))
		__builtin_trap();
	if (script != NULL)
		run(arena, script, span_from(input, split + 1));
	bytes_clear(&report);
	bytes_clear(&source);
	arena_free(&arena);
	return 0;
}
