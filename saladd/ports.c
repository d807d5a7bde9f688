#include "saladd/ports.h"

#include <stdio.h>
#include <sys/random.h>

#include "libgateway/activation.h"

#define RANGE_FILE "/proc/sys/net/ipv4/ip_local_port_range"
enum { FIRST = 32768, LAST = 60999, TRIES = 64 };

static void begin(struct ports *ports)
{
	unsigned first = 0, last = 0;
	FILE *file = fopen(RANGE_FILE, "re");

	if (!file || fscanf(file, "%u %u", &first, &last) != 2 || first < 1024 || last > 65535 || last < first + 64) {
		first = FIRST;
		last = LAST;
	}
	if (file)
		fclose(file);
	ports->first = first;
	ports->n = last - first + 1;
	if (getrandom(&ports->begin, sizeof(ports->begin), GRND_NONBLOCK) != sizeof(ports->begin))
		ports->begin = 0;
	ports->begin %= ports->n / 2;
}

/* Each that is an odd distance from the first, all around, and then the others, which the kernel gives to connections. */
static uint16_t next_port(struct ports *ports)
{
	uint32_t half = ports->n / 2, turn = ports->turn++ % (2 * half), i = (ports->begin + turn) % half;

	return (uint16_t)(ports->first + 2 * i + (turn < half));
}

int ports_listen(struct ports *ports, const char *address, int backlog, struct gw_error *err)
{
	if (!ports->n)
		begin(ports);
	for (int i = 0; i < TRIES; i++) {
		struct gw_error why = {0};
		int fd = activation_tcp_listen(address, next_port(ports), backlog, &why);

		if (fd >= 0 || why.kind != GW_BUSY) {
			if (fd < 0)
				*err = why;
			return fd;
		}
	}
	return activation_tcp_listen(address, 0, backlog, err);
}
