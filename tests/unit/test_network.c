#include "base/network.h"
#include "tests/unit/unit.h"

static const struct row {
	const char *network;
	const char *address;
	bool is_good, has;
} rows[] = {
    {"127.0.0.0/8", "127.255.0.1", true, true},
    {"127.0.0.0/8", "128.0.0.1", true, false},
    {"127.0.0.0/8", "::ffff:127.0.0.1", true, true},
    {"::ffff:127.0.0.0/104", "127.0.0.1", true, true},
    {"192.0.2.1", "192.0.2.1", true, true},
    {"192.0.2.1", "192.0.2.2", true, false},
    {"192.0.2.128/25", "192.0.2.127", true, false},
    {"192.0.2.128/25", "192.0.2.129", true, true},
    {"0.0.0.0/0", "1.2.3.4", true, true},
    {"0.0.0.0/0", "2001:db8::1", true, false},
    {"::/0", "2001:db8::1", true, true},
    {"2001:db8::/33", "2001:db8:7fff::", true, true},
    {"2001:db8::/33", "2001:db8:8000::", true, false},
    {"[::1]", "::1", true, true},
    {"[::1]/128", "::2", true, false},
    {"127.0.0.0/8", "", true, false},
    {"127.0.0.0/8", "localhost", true, false},
    {"127.0.0.1/8", "", false, false},
    {"192.0.2.129/25", "", false, false},
    {"127.0.0.0/33", "", false, false},
    {"127.0.0.0/", "", false, false},
    {"127.0.0/8", "", false, false},
    {"::1/129", "", false, false},
    {"", "", false, false},
    {"[]", "", false, false},
    {"localhost", "", false, false},
};

START_TEST(addresses_lie_in_networks)
{
	struct network network;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct row *row = &rows[i];
		bool is_good = network_parse(span_of(row->network), &network);
		ck_assert_msg(is_good == row->is_good, "%s", row->network);
		if (is_good)
			ck_assert_msg(network_has(&network, span_of(row->address)) == row->has,
			    "%s %s", row->network, row->address);
	}
}
END_TEST

UNIT_TESTS("networks", addresses_lie_in_networks)
