/* talk.c - what deliver says to a person: --help, --version, --check, --explain; --flush-outbox
 * and --srs-reverse. */
#include "base/clock.h"
#include "base/log.h"
#include "deliver/check.h"
#include "deliver/front.h"
#include "deliver/library.h"
#include "deliver/outbox.h"
#include "deliver/pipeline_errands.h"
#include "deliver/srs_keys.h"
#include "deliver/state.h"
#include "deliver/story.h"
#include "deliver/sweep.h"

#include <stdio.h>
#include <sysexits.h>
#include <unistd.h>

static int check(const struct front_options *options)
{
	struct settings *settings = NULL;
	struct status status;
	int result = 1;
	if (!front_load_settings(options, &settings, &status))
		fprintf(stderr, "%s\n", status.detail[0] != '\0' ? status.detail : status.text);
	else
		result = check_print(settings, options->user_name, stdout) ? 0 : 1;
	settings_free(&settings);
	return result;
}

/* Exit status: 0 nothing waits any more; 75 something does, or could not be seen to. */
static int flush_all(const struct settings *settings)
{
	struct sweep_tally tally = sweep_all(settings, 0);
	if (tally.waiting + tally.failed > 0)
		printf("%u users have mail that waits, %u could not be seen to\n", tally.waiting,
		    tally.failed);
	return tally.waiting + tally.failed > 0 ? EX_TEMPFAIL : 0;
}

/* A front's way to say "the user of -d, else whoever we are". */
static struct pipeline_recipient recipient_of(const struct front_options *options)
{
	bool is_self = options->user_name.data == NULL;
	struct span name = is_self ? options->login : options->user_name;
	return (struct pipeline_recipient){.is_self = is_self,
	    .user_name = name,
	    .home = options->home,
	    .envelope = {.address = {.text = name, .local = name}}};
}

static struct pipeline_call call_of(const struct settings *settings, const char *id)
{
	return (struct pipeline_call){.front = "deliver",
	    .id = id,
	    .deadline_ms = clock_monotonic_ms() + (int64_t)settings->lookup_timeout_s * 1000};
}

/* Of a user's own stories, where they are not kept together. */
static unsigned explain_own(const struct settings *settings, const struct front_options *options)
{
	struct status status;
	unsigned count = 0;
	struct pipeline *pipeline = pipeline_open(settings, &status);
	struct pipeline_call call = call_of(settings, "explain");
	struct pipeline_recipient recipient = recipient_of(options);
	if (pipeline == NULL || !pipeline_explain(pipeline, &call, &recipient, options->explained,
	                            stdout, &count, &status))
		fprintf(stderr, "deliver: %s\n",
		    status.detail[0] != '\0' ? status.detail : status.text);
	pipeline_close(&pipeline);
	return count;
}

static int explain(const struct front_options *options)
{
	struct settings *settings = NULL;
	struct status status;
	unsigned count = 0;
	if (!front_load_settings(options, &settings, &status)) {
		fprintf(stderr, "%s\n", status.detail[0] != '\0' ? status.detail : status.text);
		return 1;
	}
	const char *shared = state_shared_directory(settings);
	bool has_user = options->user_name.data != NULL || getuid() != 0;
	if (shared != NULL)
		count = story_print(shared, options->explained, stdout);
	if (count == 0 && has_user)
		count = explain_own(settings, options);
	if (count == 0)
		fprintf(stderr,
		    "deliver: no story of \"%.*s\" is kept%s; \"record { story }\" says which "
		    "are\n",
		    (int)options->explained.len, options->explained.data,
		    has_user ? "" : " where those of all users are (-d USER: that user's own)");
	settings_free(&settings);
	return count > 0 ? 0 : 1;
}

static int flush_one(const struct settings *settings, const struct front_options *options)
{
	struct status status;
	struct outbox_tally tally;
	struct pipeline *pipeline = pipeline_open(settings, &status);
	struct pipeline_call call = call_of(settings, "flush");
	struct arena *arena = arena_new();
	struct srs srs;
	struct pipeline_flush flush = {.maker = -1, .recipient = recipient_of(options)};
	if (pipeline != NULL && srs_keys_load(arena, &settings->srs, &srs, &status))
		flush.srs = &srs;
	bool is_good = pipeline != NULL && pipeline_flush(pipeline, &call, &flush, &tally, &status);
	pipeline_close(&pipeline);
	arena_free(&arena);
	if (!is_good)
		fprintf(stderr, "deliver: %s\n",
		    status.detail[0] != '\0' ? status.detail : status.text);
	else
		printf("%u sent, %u waiting, %u given up\n", tally.sent, tally.waiting,
		    tally.given_up);
	return is_good && tally.waiting == 0 ? 0 : EX_TEMPFAIL;
}

static int flush_outboxes(const struct front_options *options)
{
	struct settings *settings = NULL;
	struct status status;
	int result = EX_TEMPFAIL;
	if (!front_load_settings(options, &settings, &status)) {
		fprintf(stderr, "%s\n", status.detail[0] != '\0' ? status.detail : status.text);
	} else {
		log_open(settings->log.target, "deliver", (enum log_level)settings->log.level);
		if (getuid() == 0 && options->user_name.data == NULL)
			result = flush_all(settings);
		else
			result = flush_one(settings, options);
	}
	settings_free(&settings);
	return result;
}

/* Exit status as lookup programs have it: 0 with the address, 1 there is none. */
static int reverse(const struct front_options *options)
{
	static const char *const words[] = {
	    "", "it is no SRS address", "it is forged", "it has expired"};
	struct settings *settings = NULL;
	struct arena *arena = arena_new();
	struct status status;
	struct srs srs;
	struct address address;
	struct span original = {NULL, 0};
	int result = EX_TEMPFAIL;
	if (!front_load_settings(options, &settings, &status) ||
	    !srs_keys_load(arena, &settings->srs, &srs, &status)) {
		fprintf(stderr, "deliver: %s\n",
		    status.detail[0] != '\0' ? status.detail : status.text);
	} else {
		enum srs_answer answer = SRS_NO_SRS;
		if (address_parse(arena, span_of(options->srs_address), &address, NULL))
			answer = srs_reverse(arena, &srs, &address, clock_now().tv_sec, &original);
		if (answer == SRS_REVERSED)
			printf("%.*s\n", (int)original.len, original.data);
		else
			fprintf(stderr, "deliver: %s: %s\n", options->srs_address, words[answer]);
		result = answer == SRS_REVERSED ? 0 : 1;
	}
	settings_free(&settings);
	arena_free(&arena);
	return result;
}

int ladle_talk(int argc, char **argv, int notes_fd)
{
	struct arena *arena = arena_new();
	struct front_options options;
	struct status status;
	int result = 0;
	(void)notes_fd;
	if (!front_options_parse(arena, argc, argv, environ, getuid() == 0, &options, &status)) {
		fprintf(stderr, "deliver: %s\n", status.text);
		result = 1;
	} else if (options.wants_help) {
		fputs(front_usage, stdout);
	} else if (options.wants_version) {
		puts("deliver (ladle) " PACKAGE_VERSION);
	} else if (options.srs_address != NULL) {
		result = reverse(&options);
	} else if (options.explained.data != NULL) {
		result = explain(&options);
	} else if (options.wants_flush) {
		result = flush_outboxes(&options);
	} else {
		result = check(&options);
	}
	arena_free(&arena);
	return result;
}
