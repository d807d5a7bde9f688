#include "registration/resolve.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#define ANSWER_MS   2000
#define ROUNDS      2
#define SERVERS_MAX 3
#define DNS_PORT    53

/* Lines of "ADDRESS NAME [NAME]..."; destroys the text. */
static bool hosts_find(char *hosts, const char *name, char address[16])
{
	struct in_addr parsed;
	char *line_rest, *word_rest;

	for (char *line = strtok_r(hosts, "\n", &line_rest); line; line = strtok_r(NULL, "\n", &line_rest)) {
		char *first, *word;
		line[strcspn(line, "#")] = '\0';
		first = strtok_r(line, " \t\r", &word_rest);
		while (first && (word = strtok_r(NULL, " \t\r", &word_rest))) {
			if (strcasecmp(word, name) != 0 || inet_pton(AF_INET, first, &parsed) != 1)
				continue;
			inet_ntop(AF_INET, &parsed, address, 16);
			return true;
		}
	}
	return false;
}

static size_t find_servers(char *conf, struct in_addr servers[SERVERS_MAX])
{
	char *line_rest, *word_rest;
	size_t n = 0;

	for (char *line = strtok_r(conf, "\n", &line_rest); line; line = strtok_r(NULL, "\n", &line_rest)) {
		char *key = strtok_r(line, " \t\r", &word_rest), *value = strtok_r(NULL, " \t\r", &word_rest);
		if (value && n < SERVERS_MAX && strcmp(key, "nameserver") == 0)
			n += inet_pton(AF_INET, value, &servers[n]) == 1;
	}
	return n;
}

/* Until it comes, or the time is up. */
static enum dns_answer await_answer(int fd, uint16_t id, unsigned char address[4])
{
	unsigned char message[DNS_MESSAGE_MAX];
	struct pollfd p = {.fd = fd, .events = POLLIN};
	enum dns_answer answer = DNS_NOT_OURS;
	int64_t until = now_ms() + ANSWER_MS, left;

	while (answer == DNS_NOT_OURS && (left = until - now_ms()) > 0 && poll(&p, 1, (int)left) == 1) {
		ssize_t n = recv(fd, message, sizeof(message), 0);
		if (n < 0)
			break; /* nobody is there */
		answer = dns_answer_decode(message, (size_t)n, id, address);
	}
	return answer;
}

/* The socket is connected, so that nobody else's datagrams come. */
static enum dns_answer ask(struct in_addr server, const char *name, unsigned char address[4])
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(DNS_PORT), .sin_addr = server};
	unsigned char message[DNS_MESSAGE_MAX];
	enum dns_answer answer = DNS_NOT_OURS;
	uint16_t id = 0;
	size_t n;
	int fd;

	if (getrandom(&id, sizeof(id), 0) < 0)
		id = (uint16_t)now_ms();
	n = dns_question(message, id, name);
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (n && fd >= 0 && connect(fd, (struct sockaddr *)&to, sizeof(to)) == 0 && send(fd, message, n, 0) == (ssize_t)n)
		answer = await_answer(fd, id, address);
	if (fd >= 0)
		close(fd);
	return answer;
}

static enum dns_answer ask_all(const struct in_addr *servers, size_t n, const char *name, unsigned char address[4])
{
	for (int round = 0; round < ROUNDS; round++) {
		for (size_t i = 0; i < n; i++) {
			enum dns_answer answer = ask(servers[i], name, address);
			if (answer != DNS_NOT_OURS)
				return answer;
		}
	}
	return DNS_NOT_OURS;
}

bool resolve(char address[16], const char *root, const char *name, struct failure *why)
{
	static char text[65536];
	struct in_addr servers[SERVERS_MAX];
	unsigned char found[4];
	size_t n = 0;

	if (strcasecmp(name, "localhost") == 0) /* RFC 6761 section 6.3 */
		return strcpy(address, "127.0.0.1");
	if (file_text(text, sizeof(text), root, "/etc/hosts") && hosts_find(text, name, address))
		return true;
	if (file_text(text, sizeof(text), root, "/etc/resolv.conf"))
		n = find_servers(text, servers);
	if (!n)
		return failed(why, "'%.100s' is not in /etc/hosts, and /etc/resolv.conf names no DNS server", name);
	switch (ask_all(servers, n, name, found)) {
	case DNS_ADDRESS:
		inet_ntop(AF_INET, found, address, 16);
		return true;
	case DNS_NONE:
		return failed(why, "'%.100s' is not in /etc/hosts, and DNS knows no IPv4 address of it", name);
	default:
		return failed(why, "'%.100s' is not in /etc/hosts, and no DNS server answers", name);
	}
}
