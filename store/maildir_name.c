/* maildir_name.c - how folders and message files are called.
 *
 * Readers may use S= (bytes as stored) and W= (bytes with CRLF) unseen, so both must be exact.
 * The rest of a file's name means nothing; its 64 random bits make it unique where clocks, process
 * numbers and host names are not (containers). */
#include "store/maildir_name.h"

#include "base/clock.h"
#include "base/random.h"
#include "base/utf8.h"
#include "store/mutf7.h"

#include <inttypes.h>
#include <string.h>
#include <unistd.h>

static bool has_control(struct span name)
{
	uint32_t character;
	while (utf8_next(&name, &character)) {
		if (character < 0x20 || (character >= 0x7F && character < 0xA0))
			return true;
	}
	return false;
}

/* Why a level cannot be stored, or null. '.' and '/' are refused whichever separates levels;
 * readers expand a leading '~' (to a home). */
static const char *level_fault(struct span level, bool is_first)
{
	if (level.len == 0)
		return "empty level";
	if (span_find(level, '/') < level.len || span_find(level, '.') < level.len)
		return "'.' or '/' in a level";
	if (is_first && level.data[0] == '~')
		return "leading '~'";
	return NULL;
}

bool maildir_folder_name(struct arena *arena, char separator, bool utf8_names, struct span name,
    struct span *canonical_out, const char **why_out)
{
	struct bytes canonical = {0};
	struct span level;
	*why_out = NULL;
	if (!utf8_is_valid(name))
		*why_out = "not UTF-8";
	else if (has_control(name))
		*why_out = "control character";
	if (name.len == 0)
		name.data = NULL;
	while (*why_out == NULL && span_next_piece(&name, separator, &level)) {
		/* "INBOX.Work" is how clients of other servers call "Work". */
		if (canonical.len == 0 && span_is_nocase(level, "INBOX"))
			continue;
		*why_out = level_fault(level, canonical.len == 0);
		if (canonical.len > 0)
			bytes_append_byte(&canonical, '.');
		bytes_append_span(&canonical, level);
	}
	*canonical_out = arena_span(arena, bytes_span(&canonical));
	bytes_clear(&canonical);
	if (*why_out == NULL &&
	    strlen(maildir_disk_name(arena, utf8_names, *canonical_out)) > MAILDIR_NAME_MAX)
		*why_out = "too long";
	return *why_out == NULL;
}

char *maildir_disk_name(struct arena *arena, bool utf8_names, struct span canonical)
{
	struct bytes name = {0};
	bytes_append_byte(&name, '.');
	if (utf8_names || !mutf7_append(&name, canonical))
		bytes_append_span(&name, canonical);
	char *text = arena_text(arena, bytes_span(&name));
	bytes_clear(&name);
	return text;
}

#define HOST_LEN_MAX ((size_t)100)

/* Only letters, digits, '.', '-' and '_' stay; a ':' would begin the flags, a ',' a size. The
 * others become octal, as "/" and ":" do by convention. */
static char *clean_host(struct arena *arena, const char *host_name)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
	                            "0123456789.-_";
	struct bytes clean = {0};
	for (const char *at = host_name; *at != '\0' && clean.len < HOST_LEN_MAX; at++) {
		if (strchr(plain, *at) != NULL)
			bytes_append_byte(&clean, *at);
		else
			bytes_appendf(&clean, "\\%03o", (unsigned)(unsigned char)*at);
	}
	char *host = arena_text(arena, bytes_span(&clean));
	bytes_clear(&clean);
	return host;
}

char *maildir_unique_name(struct arena *arena, const char *host_name, unsigned number)
{
	struct timespec now = clock_now();
	bool has_host = host_name != NULL && host_name[0] != '\0';
	return arena_textf(arena, "%jd.M%06ldP%ld_%uR%016" PRIx64 ".%s", (intmax_t)now.tv_sec,
	    now.tv_nsec / 1000, (long)getpid(), number, random_u64(),
	    clean_host(arena, has_host ? host_name : "localhost"));
}

static const struct {
	char letter;
	const char *flag;
} flag_rows[MAILDIR_FLAG_COUNT] = {
    {'D', "\\Draft"},
    {'F', "\\Flagged"},
    {'P', "$Forwarded"},
    {'R', "\\Answered"},
    {'S', "\\Seen"},
    {'T', "\\Deleted"},
};

void maildir_flag_letters(
    const struct span *flags, size_t count, char letters_out[MAILDIR_FLAGS_SIZE])
{
	size_t len = 0;
	for (size_t row = 0; row < MAILDIR_FLAG_COUNT; row++) {
		size_t i = 0;
		while (i < count && !span_is_nocase(flags[i], flag_rows[row].flag))
			i++;
		if (i < count)
			letters_out[len++] = flag_rows[row].letter;
	}
	letters_out[len] = '\0';
}

size_t maildir_flags_of(struct span file_name, struct span flags_out[MAILDIR_FLAG_COUNT])
{
	size_t colon = span_find(file_name, ':');
	size_t count = 0;
	if (!span_starts_with(span_from(file_name, colon), ":2,"))
		return 0;
	struct span letters = span_from(file_name, colon + 3);
	for (size_t row = 0; row < MAILDIR_FLAG_COUNT; row++) {
		if (span_find(letters, flag_rows[row].letter) < letters.len)
			flags_out[count++] = span_of(flag_rows[row].flag);
	}
	return count;
}

char *maildir_final_name(struct arena *arena, const char *unique_name, uint64_t bytes,
    uint64_t crlf_bytes, const char *letters)
{
	return arena_textf(arena, "%s,S=%" PRIu64 ",W=%" PRIu64 "%s%s", unique_name, bytes,
	    crlf_bytes, letters[0] == '\0' ? "" : ":2,", letters);
}
