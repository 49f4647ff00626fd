/* numbers FILE...: which of the sender's datagrams the captures hold, in the order of the files: "PACKETS FIRST LAST MISSING",
 * 0 0 0 0 where there is none. MISSING counts numbers that are not there between the first and the last. Status 1 where a
 * file cannot be read to its end, or a number stands twice or out of turn. */
#include <endian.h>
#include <pcap/pcap.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define NUMBER_AT 42u /* behind Ethernet, IPv4 without options, UDP */
#define PORT_AT 36u

struct seen {
	uint64_t packets, first, last, missing;
	bool disorder;
};

static void see(struct seen *s, const uint8_t *p, uint32_t len)
{
	uint64_t number;

	if (len < NUMBER_AT + sizeof(number) || p[12] != 8 || p[13] != 0 || p[23] != 17 ||
	    p[PORT_AT] != 0x1e || p[PORT_AT + 1] != 0x61) /* port 7777 */
		return;
	memcpy(&number, p + NUMBER_AT, sizeof(number));
	number = be64toh(number);
	if (s->packets++ == 0)
		s->first = number;
	else if (number <= s->last)
		s->disorder = true;
	else
		s->missing += number - s->last - 1;
	s->last = number;
}

int main(int argc, char **argv)
{
	struct seen s = {0};
	int status = 0;

	for (int i = 1; i < argc; i++) {
		char why[PCAP_ERRBUF_SIZE];
		struct pcap_pkthdr *h;
		const u_char *data;
		pcap_t *p = pcap_open_offline(argv[i], why);
		int rc;

		if (!p) {
			fprintf(stderr, "numbers: %s\n", why);
			status = 1;
			continue;
		}
		while ((rc = pcap_next_ex(p, &h, &data)) == 1)
			see(&s, data, h->caplen);
		if (rc != PCAP_ERROR_BREAK) {
			fprintf(stderr, "numbers: %s: %s\n", argv[i], pcap_geterr(p));
			status = 1;
		}
		pcap_close(p);
	}
	printf("%llu %llu %llu %llu\n", (unsigned long long)s.packets, (unsigned long long)s.first,
	       (unsigned long long)s.last, (unsigned long long)s.missing);
	if (s.disorder)
		fprintf(stderr, "numbers: not in order\n");
	return s.disorder ? 1 : status;
}
