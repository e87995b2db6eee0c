#include "deliver/srs_keys.h"

#include "base/file.h"
#include "deliver/srs_module.h"

#include <errno.h>
#include <string.h>

#define KEY_FILE_MAX ((size_t)65536)
#define DAY_S 86400

bool srs_keys_load(struct arena *arena, const struct srs_settings *settings, struct srs *srs_out,
    struct status *status)
{
	char why[256] = "";
	struct bytes text = {0};
	*srs_out = (struct srs){.valid_days = (unsigned)(settings->valid_s / DAY_S)};
	if (settings->key_file[0] == '\0')
		return status_fail(status, CAUSE_CONFIGURATION, "srs.key_file is not set");
	if (file_read_path(settings->key_file, KEY_FILE_MAX, &text, NULL) != 0) {
		int error = errno;
		bytes_clear(&text);
		return status_errno(
		    status, CAUSE_CONFIGURATION, error, "srs.key_file %s", settings->key_file);
	}
	struct span lines = arena_span(arena, bytes_span(&text));
	if (text.data != NULL)
		explicit_bzero(text.data, text.len);
	bytes_clear(&text);
	if (!srs_take_keys(srs_out, lines))
		return status_fail(status, CAUSE_CONFIGURATION,
		    "srs.key_file %s: write a key on a line, at least 1 and at most %d",
		    settings->key_file, SRS_KEYS_MAX);
	const struct srs_module *module = (const struct srs_module *)(const void *)module_load(
	    "srs", sizeof(struct srs_module), why, sizeof(why));
	if (module == NULL)
		return status_fail(status, CAUSE_CONFIGURATION, "srs: %s", why);
	srs_out->hmac = module->hmac;
	/* The library makes itself ready, as long as we may read its files. */
	unsigned char unused[SRS_HASH_BYTES];
	srs_out->hmac("", 0, "", 0, unused);
	return true;
}

void srs_keys_forget(struct srs *srs)
{
	for (size_t i = 0; i < srs->key_count; i++)
		/* They lie in an arena, which was ours to write in. */
		explicit_bzero((void *)(uintptr_t)srs->keys[i].data, srs->keys[i].len);
	srs->key_count = 0;
}
