#include "lmtp-bridge/tls_keys.h"

#include "base/file.h"
#include "base/log.h"
#include "base/memory.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define FILE_MAX ((size_t)1024 * 1024)
#define FILE_COUNT 3

struct tls_keys {
	const struct tls_settings *settings;
	const struct tls_module *module;
	void *context;
	/* Of certificate, key and client_ca, as they were read or last refused. */
	struct stat seen[FILE_COUNT];
};

bool tls_keys_are_needed(const struct settings *settings)
{
	for (size_t i = 0; i < settings->lmtp.listener_count; i++) {
		if (settings->lmtp.listeners[i].tls != LISTEN_TLS_NONE)
			return true;
	}
	return false;
}

/* "" where there is none. The key may stand in the certificate's file. */
static const char *path_of(const struct tls_settings *settings, size_t index)
{
	const char *paths[FILE_COUNT] = {settings->certificate,
	    settings->key[0] == '\0' ? settings->certificate : settings->key, settings->client_ca};
	return paths[index];
}

static bool is_same(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_size == b->st_size &&
	       a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

static bool has_changed(const struct tls_keys *keys)
{
	struct stat now;
	for (size_t i = 0; i < FILE_COUNT; i++) {
		const char *path = path_of(keys->settings, i);
		if (path[0] != '\0' && stat(path, &now) == 0 && !is_same(&now, &keys->seen[i]))
			return true;
	}
	return false;
}

static bool read_files(struct tls_keys *keys, struct bytes *files, struct status *status)
{
	for (size_t i = 0; i < FILE_COUNT; i++) {
		const char *path = path_of(keys->settings, i);
		if (path[0] != '\0' &&
		    file_read_path(path, FILE_MAX, &files[i], &keys->seen[i]) != 0)
			return status_errno(status, CAUSE_CONFIGURATION, errno, "%s", path);
	}
	return true;
}

static void clear_files(struct bytes *files)
{
	for (size_t i = 0; i < FILE_COUNT; i++) {
		if (files[i].data != NULL)
			explicit_bzero(files[i].data, files[i].capacity);
		bytes_clear(&files[i]);
	}
}

static struct tls_files describe(const struct tls_settings *settings, const struct bytes *files)
{
	return (struct tls_files){
	    .certificate = bytes_span(&files[0]),
	    .key = bytes_span(&files[1]),
	    .client_ca = bytes_span(&files[2]),
	    .wants_certificate =
	        settings->client_ca[0] != '\0' || settings->client_fingerprints.count > 0,
	    .needs_tls13 = settings->min_version == TLS_MIN_1_3,
	    .ciphers = settings->ciphers,
	};
}

static bool load(struct tls_keys *keys, struct status *status)
{
	struct bytes files[FILE_COUNT] = {{0}};
	char why[256] = "";
	void *context = NULL;
	bool is_read = read_files(keys, files, status);
	struct tls_files pem = describe(keys->settings, files);
	if (is_read)
		context = keys->module->context_new(&pem, why, sizeof(why));
	clear_files(files);
	if (context == NULL)
		return is_read ? status_fail(status, CAUSE_CONFIGURATION, "%s", why) : false;
	if (keys->context != NULL)
		keys->module->context_free(keys->context);
	keys->context = context;
	return true;
}

struct tls_keys *tls_keys_new(const struct tls_settings *settings, struct status *status)
{
	char why[512];
	struct tls_keys *keys = memory_new(1, sizeof(*keys));
	keys->settings = settings;
	keys->module = (const struct tls_module *)(const void *)module_load(
	    TLS_MODULE, sizeof(struct tls_module), why, sizeof(why));
	if (settings->certificate[0] == '\0')
		status_fail(status, CAUSE_CONFIGURATION,
		    "a listener has tls: say certificate = \"/path\" in section tls");
	else if (keys->module == NULL)
		status_fail(status, CAUSE_CONFIGURATION, "no TLS here: %s", why);
	else if (load(keys, status))
		return keys;
	tls_keys_free(&keys);
	return NULL;
}

void tls_keys_free(struct tls_keys **keys)
{
	if (*keys == NULL)
		return;
	if ((*keys)->module != NULL && (*keys)->context != NULL)
		(*keys)->module->context_free((*keys)->context);
	free(*keys);
	*keys = NULL;
}

void tls_keys_renew(struct tls_keys *keys)
{
	struct status status;
	if (!has_changed(keys))
		return;
	if (load(keys, &status))
		log_write(LOG_LEVEL_INFO, "new certificate for new sessions");
	else
		log_write(LOG_LEVEL_WARNING, "the certificate stays as it was: %s", status.detail);
}

const struct tls_module *tls_keys_module(const struct tls_keys *keys)
{
	return keys->module;
}

void *tls_keys_context(const struct tls_keys *keys)
{
	return keys->context;
}

/* "AB:CD:..." as openssl(1) writes it, or without colons. */
static bool is_fingerprint(const char *wanted, const char *got)
{
	for (; *wanted != '\0'; wanted++) {
		if (*wanted == ':')
			continue;
		if (*got == '\0' || ascii_lower(*wanted) != *got)
			return false;
		got++;
	}
	return *got == '\0';
}

bool tls_keys_know(const struct tls_keys *keys, const struct tls_facts *facts)
{
	const struct text_list *known = &keys->settings->client_fingerprints;
	if (!facts->has_certificate || facts->fingerprint[0] == '\0')
		return false;
	for (size_t i = 0; i < known->count; i++) {
		if (is_fingerprint(known->items[i], facts->fingerprint))
			return true;
	}
	return facts->is_verified && keys->settings->client_ca[0] != '\0';
}
