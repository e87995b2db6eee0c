#include "tests/unit/maildir_room.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/wait.h>

static struct room room;

START_TEST(locations_are_understood_or_refused)
{
	static const struct {
		const char *location;
		bool is_good;
	} rows[] = {
	    {"maildir:/nowhere/Maildir", true},
	    {"maildir:/nowhere/Maildir//", true},
	    {"maildir:Maildir", false},
	    {"maildir:~/Maildir", false},
	    {"maildir:", false},
	    {"maildir", false},
	    {"/nowhere/Maildir", false},
	    {"mbox:/nowhere", false},
	    {"maildir:/nowhere/Maildir:LAYOUT=fs", false},
	    {"", false},
	    {NULL, false},
	};
	room_enter(&room);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		room.options.location = rows[i].location;
		struct store *store = room_open(&room);
		ck_assert_msg((store != NULL) == rows[i].is_good, "row %zu", i);
		if (store != NULL)
			ck_assert(span_is(store_quota_root(store), "/nowhere/Maildir"));
		else
			ck_assert_int_eq(room.status.cause, CAUSE_CONFIGURATION);
		store_close(&store);
	}
	room_leave(&room);
}
END_TEST

START_TEST(a_probe_leaves_no_trace)
{
	room_enter(&room);
	struct store *store = room_open(&room);
	ck_assert_int_eq(store_has_folder(store, span_of(""), &room.status), STORE_YES);
	ck_assert_int_eq(store_has_folder(store, span_of("Work"), &room.status), STORE_NO);
	ck_assert_uint_eq(room_count(&room, ".", NULL), 0);
	ck_assert(room_store(&room, store, "Work"));
	ck_assert_int_eq(store_has_folder(store, span_of("Work"), &room.status), STORE_YES);
	ck_assert_int_eq(store_has_folder(store, span_of("Work.X"), &room.status), STORE_NO);
	room_write(&room, "Maildir/.File", "");
	ck_assert_int_eq(store_has_folder(store, span_of("File"), &room.status), STORE_NO);
	store_close(&store);
	ck_assert_ptr_null(store);

	room_write(&room, "file", "");
	room.options.location = arena_textf(room.arena, "maildir:%s/file/Maildir", room.path);
	store = room_open(&room);
	ck_assert_int_eq(store_has_folder(store, span_of(""), &room.status), STORE_CANNOT_TELL);
	ck_assert_int_eq(room.status.cause, CAUSE_MAILBOX);
	store_close(&store);
	room_leave(&room);
}
END_TEST

START_TEST(nothing_is_written_to_an_unmounted_mount_point)
{
	room_enter(&room);
	room_mkdir(&room, "mount");
	char *sentinel = room_path(&room, "mount/.mounted");
	room.options.location = arena_textf(room.arena, "maildir:%s/mount/Maildir", room.path);
	room.options.sentinel = sentinel;
	ck_assert_ptr_null(room_open(&room));
	ck_assert_int_eq(room.status.cause, CAUSE_MAILBOX);
	ck_assert(!status_is_permanent(&room.status));

	/* Unmounted between looking and storing. */
	room_write(&room, "mount/.mounted", "");
	struct store *store = room_open(&room);
	ck_assert_ptr_nonnull(store);
	ck_assert_int_eq(unlink(sentinel), 0);
	ck_assert_int_eq(store_has_folder(store, span_of(""), &room.status), STORE_CANNOT_TELL);
	ck_assert(!room_store(&room, store, ""));
	ck_assert_uint_eq(room_count(&room, "mount", NULL), 0);

	room_write(&room, "mount/.mounted", "");
	ck_assert(room_store(&room, store, ""));
	store_close(&store);
	room_leave(&room);
}
END_TEST

static mode_t mode_of(const char *name)
{
	struct stat found;
	ck_assert_int_eq(lstat(room_path(&room, name), &found), 0);
	return found.st_mode & 07777;
}

START_TEST(a_message_is_stored_as_it_is)
{
	char name[256];
	room_enter(&room);
	struct store *store = room_open(&room);
	struct store_request request = {.message = &room.message};
	struct store_copy *copy = store_write(store, &request, &room.status);
	ck_assert_ptr_nonnull(copy);
	ck_assert_uint_eq(room_count(&room, "Maildir/new", NULL), 0);
	ck_assert_uint_eq(room_count(&room, "Maildir/tmp", NULL), 1);
	ck_assert(store_sync(copy, &room.status));
	ck_assert_uint_eq(room_count(&room, "Maildir/new", NULL), 0);
	ck_assert(store_publish(copy, &room.status));
	ck_assert(store_commit(copy, &room.status));
	ck_assert_uint_eq(room_count(&room, "Maildir/new", name), 1);
	ck_assert_uint_eq(room_count(&room, "Maildir/tmp", NULL), 0);

	ck_assert(span_is(store_copy_name(copy), arena_textf(room.arena, "new/%s", name)));
	ck_assert_uint_eq(store_copy_bytes(copy), ROOM_TEXT.len);
	char *sizes = arena_textf(
	    room.arena, ".mx.example.org,S=%zu,W=%zu", ROOM_TEXT.len, ROOM_TEXT_CRLF_BYTES);
	ck_assert_ptr_nonnull(strstr(name, sizes));
	char *path = arena_textf(room.arena, "Maildir/new/%s", name);
	ck_assert(span_equals(room_read(&room, path), ROOM_TEXT));
	ck_assert_int_eq(mode_of(path), 0600);
	ck_assert_int_eq(mode_of("Maildir"), 0700);
	ck_assert_int_eq(mode_of("Maildir/cur"), 0700);
	ck_assert(!room_has(&room, "Maildir/maildirfolder"));

	store_abandon(&copy);
	ck_assert_ptr_null(copy);
	ck_assert_uint_eq(room_count(&room, "Maildir/new", NULL), 1);
	store_close(&store);
	room_leave(&room);
}
END_TEST

START_TEST(modes_follow_the_mailbox)
{
	char name[256];
	room_enter(&room);
	room_mkdir(&room, "Maildir");
	ck_assert_int_eq(chmod(room_path(&room, "Maildir"), 0750), 0);
	struct store *store = room_open(&room);
	ck_assert(room_store(&room, store, ""));
	ck_assert(room_store(&room, store, "Work"));
	ck_assert_int_eq(mode_of("Maildir/new"), 0750);
	ck_assert_int_eq(mode_of("Maildir/.Work/cur"), 0750);
	ck_assert_int_eq(mode_of("Maildir/.Work/maildirfolder"), 0640);
	room_count(&room, "Maildir/.Work/new", name);
	ck_assert_int_eq(mode_of(arena_textf(room.arena, "Maildir/.Work/new/%s", name)), 0640);
	store_close(&store);

	room_write(&room, "Maildir/.Work/dovecot-shared", "");
	ck_assert_int_eq(chmod(room_path(&room, "Maildir/.Work/dovecot-shared"), 0660), 0);
	char *old = arena_textf(room.arena, "Maildir/.Work/new/%s", name);
	ck_assert_int_eq(unlink(room_path(&room, old)), 0);
	store = room_open(&room);
	ck_assert(room_store(&room, store, "Work"));
	room_count(&room, "Maildir/.Work/new", name);
	ck_assert_int_eq(mode_of(arena_textf(room.arena, "Maildir/.Work/new/%s", name)), 0660);
	store_close(&store);
	room_leave(&room);
}
END_TEST

START_TEST(flags_lead_to_cur)
{
	char name[256];
	const struct span flags[] = {SPAN("\\Seen"), SPAN("$Junk"), SPAN("\\Flagged")};
	const struct span keyword[] = {SPAN("$Junk")};
	struct store_request request = {.message = &room.message, .flags = flags, .flag_count = 3};
	room_enter(&room);
	struct store *store = room_open(&room);
	struct store_copy *copy = store_write(store, &request, &room.status);
	ck_assert(store_sync(copy, &room.status) && store_publish(copy, &room.status) &&
	          store_commit(copy, &room.status));
	ck_assert(span_starts_with(store_copy_name(copy), "cur/"));
	store_abandon(&copy);
	ck_assert_uint_eq(room_count(&room, "Maildir/cur", name), 1);
	ck_assert_str_eq(strchr(name, ':'), ":2,FS");

	request.flags = keyword;
	request.flag_count = 1;
	copy = store_write(store, &request, &room.status);
	ck_assert(span_starts_with(store_copy_name(copy), "new/"));
	store_abandon(&copy);
	store_close(&store);
	room_leave(&room);
}
END_TEST

/* Stores a message with these flags in a folder and gives its name; null data where it failed. */
static struct span store_flagged(struct store *store, const char *folder, const struct span *flags,
    size_t count, bool *lacks_flags_out)
{
	struct store_request request = {.message = &room.message,
	    .folder = span_of(folder),
	    .flags = flags,
	    .flag_count = count};
	struct store_copy *copy = store_write(store, &request, &room.status);
	if (copy == NULL)
		return (struct span){NULL, 0};
	ck_assert(store_sync(copy, &room.status) && store_publish(copy, &room.status) &&
	          store_commit(copy, &room.status));
	*lacks_flags_out = store_copy_lacks_flags(copy);
	struct span name = arena_span(room.arena, store_copy_name(copy));
	store_abandon(&copy);
	return name;
}

static const char *letters_of(struct span name)
{
	size_t colon = span_find_last(name, ':');
	return colon == name.len ? "" : name.data + colon + 1;
}

START_TEST(keywords_have_letters_where_dovecot_reads_them)
{
	const struct span flags[] = {
	    SPAN("important"), SPAN("\\Seen"), SPAN("$JUNK"), SPAN("$Junk")};
	bool lacks_flags;
	struct stat before;
	struct stat after;
	room_enter(&room);
	struct store *store = room_open(&room);
	struct span name = store_flagged(store, "", flags, 4, &lacks_flags);
	ck_assert_str_eq(letters_of(name), "2,S");
	ck_assert(lacks_flags);
	ck_assert(!room_has(&room, "Maildir/dovecot-keywords"));

	/* One that is known, without a lock; then a new one, into the first free place. */
	room_write(&room, "Maildir/dovecot-uidlist", "3 V1 N1 G0123456789abcdef0123456789abcdef\n");
	room_write(&room, "Maildir/dovecot-keywords", "0 $Junk\n2 other\n99 odd\nbroken\n");
	room_write(&room, "Maildir/dovecot-uidlist.lock", "");
	name = store_flagged(store, "", flags + 1, 3, &lacks_flags);
	ck_assert_str_eq(letters_of(name), "2,Sa");
	ck_assert(!lacks_flags);
	ck_assert_int_eq(unlink(room_path(&room, "Maildir/dovecot-uidlist.lock")), 0);
	ck_assert_int_eq(stat(room_path(&room, "Maildir/dovecot-keywords"), &before), 0);
	name = store_flagged(store, "", flags, 4, &lacks_flags);
	ck_assert_str_eq(letters_of(name), "2,Sab");
	ck_assert(!lacks_flags);
	ck_assert(span_is(
	    room_read(&room, "Maildir/dovecot-keywords"), "0 $Junk\n1 important\n2 other\n"));
	ck_assert_int_eq(stat(room_path(&room, "Maildir/dovecot-keywords"), &after), 0);
	ck_assert_int_gt(after.st_mtime, before.st_mtime);
	ck_assert(!room_has(&room, "Maildir/dovecot-uidlist.lock"));
	ck_assert(!room_has(&room, "Maildir/dovecot-keywords.lock"));

	/* A folder that Dovecot will open has its own. */
	name = store_flagged(store, "Work", flags, 1, &lacks_flags);
	ck_assert(span_starts_with(name, ".Work/cur/"));
	ck_assert_str_eq(letters_of(name), "2,a");
	ck_assert(span_is(room_read(&room, "Maildir/.Work/dovecot-keywords"), "0 important\n"));
	store_close(&store);
	room_leave(&room);
}
END_TEST

START_TEST(a_keyword_without_a_place_is_left_out)
{
	const struct span known[] = {SPAN("k25"), SPAN("one more"), SPAN("\\Unknown")};
	const struct span unknown[] = {SPAN("another")};
	bool lacks_flags;
	struct bytes list = {0};
	room_enter(&room);
	struct store *store = room_open(&room);
	ck_assert(room_store(&room, store, ""));
	for (unsigned i = 0; i < 26; i++)
		bytes_appendf(&list, "%u k%u\n", i, i);
	room_write(&room, "Maildir/dovecot-keywords", bytes_terminate(&list));
	room_write(&room, "Maildir/dovecot-uidlist", "3 V1 N1\n");
	/* What is no keyword was never one. */
	struct span name = store_flagged(store, "", known, 3, &lacks_flags);
	ck_assert_str_eq(letters_of(name), "2,z");
	ck_assert(!lacks_flags);
	name = store_flagged(store, "", unknown, 1, &lacks_flags);
	ck_assert(span_starts_with(name, "new/"));
	ck_assert(lacks_flags);
	ck_assert(span_is(room_read(&room, "Maildir/dovecot-keywords"), bytes_terminate(&list)));

	/* Dovecot is at work for longer than we wait. */
	room_write(&room, "Maildir/dovecot-keywords", "0 k0\n");
	room_write(&room, "Maildir/dovecot-uidlist.lock", "");
	name = store_flagged(store, "", unknown, 1, &lacks_flags);
	ck_assert(lacks_flags);
	ck_assert(room_has(&room, "Maildir/dovecot-uidlist.lock"));
	bytes_clear(&list);
	store_close(&store);
	room_leave(&room);
}
END_TEST

/* Not every name with a dot in front is a folder. */
START_TEST(a_folder_is_found_by_its_identifier_among_other_things)
{
	static const struct {
		const char *id;
		enum store_answer answer;
	} rows[] = {
	    {"0123456789abcdef0123456789abcdef", STORE_YES},
	    {"0123456789ABCDEF0123456789abcdef", STORE_YES},
	    {"ffffffffffffffffffffffffffffffff", STORE_NO},
	    {"", STORE_NO},
	};
	struct span folder;
	room_enter(&room);
	struct store *store = store_open(room.arena, &room.options, &room.status);
	ck_assert_ptr_nonnull(store);
	ck_assert_int_eq(mkdir(room_path(&room, "Maildir"), 0700), 0);
	ck_assert_int_eq(mkdir(room_path(&room, "Maildir/.Work"), 0700), 0);
	room_write(&room, "Maildir/.DS_Store", "no folder");
	room_write(&room, "Maildir/.nfs0000", "no folder");
	room_write(
	    &room, "Maildir/.Work/dovecot-uidlist", "3 V1 N1 G0123456789abcdef0123456789abcdef\n");
	room_write(&room, "Maildir/dovecot-attributes",
	    "priv/ffffffffffffffffffffffffffffffff/specialuse\n\\Junk\n"
	    "priv/0123456789abcdef0123456789abcdef/specialuse\n\\Junk \\Trash\n");
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		enum store_answer answer =
		    store_folder_by_id(store, span_of(rows[i].id), &folder, &room.status);
		ck_assert_msg(answer == rows[i].answer, "row %zu: %d", i, (int)answer);
		ck_assert(answer != STORE_YES || span_is(folder, "Work"));
	}
	ck_assert_int_eq(
	    store_folder_by_use(store, SPAN("\\Junk"), &folder, &room.status), STORE_YES);
	ck_assert(span_is(folder, "Work"));
	ck_assert_int_eq(
	    store_folder_by_use(store, SPAN("\\Sent"), &folder, &room.status), STORE_NO);
	store_close(&store);
	room_leave(&room);
}
END_TEST

START_TEST(a_missing_folder_is_made_only_on_demand)
{
	room_enter(&room);
	room.options.autocreate = false;
	struct store *store = room_open(&room);
	struct store_request request = {.message = &room.message, .folder = SPAN("A.B")};
	ck_assert_ptr_null(store_write(store, &request, &room.status));
	ck_assert_int_eq(room.status.cause, CAUSE_MAILBOX);
	ck_assert(!room_has(&room, "Maildir/.A.B"));
	request.may_create = true;
	struct store_copy *copy = store_write(store, &request, &room.status);
	ck_assert_ptr_nonnull(copy);
	store_abandon(&copy);
	ck_assert(room_has(&room, "Maildir/.A.B/maildirfolder"));
	ck_assert(room_has(&room, "Maildir/.A/new"));
	/* Half a folder, as a crash leaves it, is completed. */
	ck_assert_int_eq(rmdir(room_path(&room, "Maildir/.A.B/new")), 0);
	store_close(&store);
	store = room_open(&room);
	copy = store_write(store, &request, &room.status);
	ck_assert_ptr_nonnull(copy);
	store_abandon(&copy);
	store_close(&store);
	room_leave(&room);
}
END_TEST

START_TEST(a_new_folder_is_subscribed_where_readers_look)
{
	/* Before, and after filing into "Work" and "B.\xC3\xBC"; null: no such file. */
	static const struct {
		const char *dovecot, *courier, *dovecot_after, *courier_after;
	} rows[] = {
	    {NULL, NULL, "V\t2\n\nWork\nB\nB\t&APw-\n", NULL},
	    {"V\t2\n\nSent\tX\n", NULL, "V\t2\n\nSent\tX\nWork\nB\nB\t&APw-\n", NULL},
	    {"Sent.X\n", NULL, "Sent.X\nWork\nB\nB.&APw-\n", NULL},
	    {"Sent\nWork", NULL, "Sent\nWork\nB\nB.&APw-\n", NULL},
	    {"", NULL, "Work\nB\nB.&APw-\n", NULL},
	    {NULL, "INBOX.Sent", NULL, "INBOX.Sent\nINBOX.Work\nINBOX.B\nINBOX.B.&APw-\n"},
	    {"B\n", "INBOX.Work\n", "B\nWork\nB.&APw-\n", "INBOX.Work\nINBOX.B\nINBOX.B.&APw-\n"},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		room_enter(&room);
		room_mkdir(&room, "Maildir");
		if (rows[i].dovecot != NULL)
			room_write(&room, "Maildir/subscriptions", rows[i].dovecot);
		if (rows[i].courier != NULL)
			room_write(&room, "Maildir/courierimapsubscribed", rows[i].courier);
		for (int times = 0; times < 2; times++) {
			struct store *store = room_open(&room);
			ck_assert(room_store(&room, store, "Work"));
			ck_assert(room_store(&room, store, "B.\xC3\xBC"));
			ck_assert(room_store(&room, store, ""));
			store_close(&store);
		}
		struct span list = room_read(&room, "Maildir/subscriptions");
		if (rows[i].dovecot_after == NULL)
			ck_assert_ptr_null(list.data);
		else
			ck_assert_str_eq(list.data, rows[i].dovecot_after);
		list = room_read(&room, "Maildir/courierimapsubscribed");
		if (rows[i].courier_after == NULL)
			ck_assert_ptr_null(list.data);
		else
			ck_assert_str_eq(list.data, rows[i].courier_after);
		ck_assert(!room_has(&room, "Maildir/subscriptions.lock"));
		ck_assert(room_has(&room, "Maildir/.B.&APw-/cur"));
		room_leave(&room);
	}
}
END_TEST

START_TEST(a_held_subscription_lock_delays_but_does_not_refuse)
{
	room_enter(&room);
	room_mkdir(&room, "Maildir");
	room_write(&room, "Maildir/subscriptions.lock", "");
	struct store *store = room_open(&room);
	ck_assert(room_store(&room, store, "Work"));
	ck_assert(room_has(&room, "Maildir/subscriptions.lock"));
	ck_assert(!room_has(&room, "Maildir/subscriptions"));
	store_close(&store);

	/* Its owner died long ago. */
	struct timespec old[2] = {{.tv_sec = 1000}, {.tv_sec = 1000}};
	ck_assert_int_eq(
	    utimensat(AT_FDCWD, room_path(&room, "Maildir/subscriptions.lock"), old, 0), 0);
	store = room_open(&room);
	ck_assert(room_store(&room, store, "Play"));
	ck_assert(span_is(room_read(&room, "Maildir/subscriptions"), "V\t2\n\nPlay\n"));
	store_close(&store);
	room_leave(&room);
}
END_TEST

START_TEST(folders_in_utf8_on_demand)
{
	room_enter(&room);
	room.options.utf8_names = true;
	room.options.separator = '/';
	struct store *store = room_open(&room);
	struct span canonical;
	ck_assert(store_folder_name(
	    room.arena, store, span_of("INBOX/\xC3\xBC/&"), &canonical, &room.status));
	ck_assert(room_store(&room, store, canonical.data));
	ck_assert(room_has(&room, "Maildir/.\xC3\xBC.&/new"));
	ck_assert(
	    !store_folder_name(room.arena, store, span_of("../../etc"), &canonical, &room.status));
	ck_assert_int_eq(room.status.cause, CAUSE_MAILBOX);
	store_close(&store);
	room_leave(&room);
}
END_TEST

/* How far a copy gets before it is given up. */
enum { GET_WRITTEN, GET_SYNCED, GET_PUBLISHED, GET_COMMITTED, GET_COUNT };

static struct store_copy *copy_as_far_as(struct store *store, const char *folder, int step)
{
	struct store_request request = {.message = &room.message, .folder = span_of(folder)};
	struct store_copy *copy = store_write(store, &request, &room.status);
	ck_assert_ptr_nonnull(copy);
	if (step >= GET_SYNCED)
		ck_assert(store_sync(copy, &room.status));
	if (step >= GET_PUBLISHED)
		ck_assert(store_publish(copy, &room.status));
	if (step >= GET_COMMITTED)
		ck_assert(store_commit(copy, &room.status));
	return copy;
}

START_TEST(a_copy_that_is_given_up_leaves_nothing)
{
	room_enter(&room);
	struct store *store = room_open(&room);
	for (int step = GET_WRITTEN; step < GET_COUNT; step++) {
		struct store_copy *copy = copy_as_far_as(store, "", step);
		if (step >= GET_PUBLISHED) {
			ck_assert_uint_eq(room_count(&room, "Maildir/new", NULL), 1);
			ck_assert(store_withdraw(copy));
		}
		store_abandon(&copy);
		ck_assert_uint_eq(room_count(&room, "Maildir/new", NULL), 0);
		ck_assert_uint_eq(room_count(&room, "Maildir/tmp", NULL), 0);
	}
	store_abandon(&(struct store_copy *){NULL});
	store_close(&store);
	room_leave(&room);
}
END_TEST

START_TEST(what_a_reader_took_is_not_taken_back)
{
	char name[256];
	room_enter(&room);
	struct store *store = room_open(&room);
	struct store_copy *copy = copy_as_far_as(store, "", GET_PUBLISHED);
	room_count(&room, "Maildir/new", name);
	char *seen = arena_textf(room.arena, "Maildir/cur/%s:2,S", name);
	ck_assert_int_eq(rename(room_path(&room, arena_textf(room.arena, "Maildir/new/%s", name)),
	                     room_path(&room, seen)),
	    0);
	ck_assert(!store_withdraw(copy));
	store_abandon(&copy);
	ck_assert(room_has(&room, seen));
	store_close(&store);
	room_leave(&room);
}
END_TEST

START_TEST(links_do_not_lead_out_of_a_maildir)
{
	static const char *const places[] = {
	    "Maildir/tmp", "Maildir/new", "Maildir/.Work", "Maildir/.Work/new"};
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		room_enter(&room);
		room_mkdir(&room, "outside");
		room_mkdir(&room, "outside/tmp");
		room_mkdir(&room, "outside/new");
		room_mkdir(&room, "Maildir");
		if (i == 3)
			room_mkdir(&room, "Maildir/.Work");
		ck_assert_int_eq(
		    symlink(room_path(&room, "outside"), room_path(&room, places[i])), 0);
		struct store *store = room_open(&room);
		ck_assert_msg(!room_store(&room, store, i < 2 ? "" : "Work"), "%s", places[i]);
		ck_assert_int_eq(room.status.cause, CAUSE_MAILBOX);
		ck_assert_uint_eq(room_count(&room, "outside", NULL), 2);
		ck_assert_uint_eq(room_count(&room, "outside/tmp", NULL), 0);
		ck_assert_uint_eq(room_count(&room, "outside/new", NULL), 0);
		store_close(&store);
		room_leave(&room);
	}
	/* But the whole Maildir may lie elsewhere. */
	room_enter(&room);
	room_mkdir(&room, "elsewhere");
	ck_assert_int_eq(symlink("elsewhere", room_path(&room, "Maildir")), 0);
	struct store *store = room_open(&room);
	ck_assert(room_store(&room, store, ""));
	ck_assert_uint_eq(room_count(&room, "elsewhere/new", NULL), 1);
	store_close(&store);
	room_leave(&room);
}
END_TEST

START_TEST(a_fifo_in_our_way_does_not_hang_us)
{
	static const char *const places[] = {
	    "courierimapsubscribed", "subscriptions", "subscriptions.lock", ".Work/maildirfolder"};
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		room_enter(&room);
		room_mkdir(&room, "Maildir");
		room_mkdir(&room, "Maildir/.Work");
		char *path = arena_textf(room.arena, "Maildir/%s", places[i]);
		ck_assert_int_eq(mkfifo(room_path(&room, path), 0600), 0);
		struct store *store = room_open(&room);
		ck_assert_msg(room_store(&room, store, "Work"), "%s", places[i]);
		store_close(&store);
		room_leave(&room);
	}
}
END_TEST

/* Many start in the same instant and make the Maildir and its folder, too. */
START_TEST(deliveries_do_not_meet)
{
	enum { PROCESSES = 8, MESSAGES = 200 };
	room_enter(&room);
	for (int i = 0; i < PROCESSES; i++) {
		pid_t pid = fork();
		ck_assert_int_ge(pid, 0);
		if (pid > 0)
			continue;
		bool is_good = true;
		for (int j = 0; j < MESSAGES && is_good; j++) {
			struct store *store = room_open(&room);
			is_good = store != NULL &&
			          room_store(&room, store, j % 2 == 0 ? "" : "Work.Reports");
			store_close(&store);
		}
		if (!is_good)
			fprintf(stderr, "%s\n", room.status.detail);
		_exit(is_good ? 0 : 1);
	}
	for (int i = 0; i < PROCESSES; i++) {
		int ended;
		ck_assert_int_gt(wait(&ended), 0);
		ck_assert_int_eq(ended, 0);
	}
	ck_assert_uint_eq(room_count(&room, "Maildir/new", NULL), PROCESSES * MESSAGES / 2);
	ck_assert_uint_eq(
	    room_count(&room, "Maildir/.Work.Reports/new", NULL), PROCESSES * MESSAGES / 2);
	ck_assert_uint_eq(room_count(&room, "Maildir/tmp", NULL), 0);
	ck_assert_uint_eq(room_count(&room, "Maildir/.Work.Reports/tmp", NULL), 0);
	/* Each made it, one line came of it. */
	struct span list = room_read(&room, "Maildir/subscriptions");
	ck_assert(span_is(list, "V\t2\n\nWork\nWork\tReports\n") ||
	          span_is(list, "V\t2\n\nWork\tReports\nWork\n"));
	room_leave(&room);
}
END_TEST

UNIT_TESTS("store", locations_are_understood_or_refused, a_probe_leaves_no_trace,
    nothing_is_written_to_an_unmounted_mount_point, a_message_is_stored_as_it_is,
    modes_follow_the_mailbox, flags_lead_to_cur, keywords_have_letters_where_dovecot_reads_them,
    a_keyword_without_a_place_is_left_out, a_folder_is_found_by_its_identifier_among_other_things,
    a_missing_folder_is_made_only_on_demand, a_new_folder_is_subscribed_where_readers_look,
    a_held_subscription_lock_delays_but_does_not_refuse, folders_in_utf8_on_demand,
    a_copy_that_is_given_up_leaves_nothing, what_a_reader_took_is_not_taken_back,
    links_do_not_lead_out_of_a_maildir, a_fifo_in_our_way_does_not_hang_us, deliveries_do_not_meet)
