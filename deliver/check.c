/* check.c - `deliver --check`: the configuration and a user's way through the pipeline, told to a
 * person. It asks the same code that delivers. */
#include "deliver/check.h"

#include "base/clock.h"
#include "deliver/pipeline_errands.h"

#define PATIENCE_MS 60000

static bool complain(FILE *out, const struct status *status)
{
	fprintf(out, "wrong: %s\n", status->detail[0] != '\0' ? status->detail : status->text);
	return false;
}

static bool show_user(struct pipeline *pipeline, struct span user_name, FILE *out)
{
	struct bytes lines = {0};
	struct status status = {0};
	struct pipeline_call call = {
	    .front = "deliver", .id = "check", .deadline_ms = clock_monotonic_ms() + PATIENCE_MS};
	struct pipeline_recipient recipient = {
	    .envelope.address = {.text = user_name, .local = user_name, .domain = SPAN("")},
	    .user_name = user_name};
	bool is_good = pipeline_show(pipeline, &call, &recipient, &lines, &status);
	fwrite(lines.data, 1, lines.len, out);
	bytes_clear(&lines);
	return is_good || complain(out, &status);
}

bool check_print(const struct settings *settings, struct span user_name, FILE *out)
{
	struct status status;
	struct pipeline *pipeline = pipeline_open(settings, &status);
	if (pipeline == NULL)
		return complain(out, &status);
	fprintf(out, "settings  %s: good\n",
	    settings->path[0] != '\0' ? settings->path
	                              : "no " LADLE_CONFIG_FILE ", so all is default");
	bool is_good = user_name.data == NULL || show_user(pipeline, user_name, out);
	pipeline_close(&pipeline);
	return is_good;
}
