/* The iPXE script that a DUT gets now: bootsd's to say. */
#include <stdlib.h>
#include <string.h>

#include "executord/executord.h"
#include "executord/rest.h"

static void on_script(void *data, const void *answer, const struct gw_error *err)
{
	struct http_request *rq = data;
	const struct msg_boot_script_text *text = answer;

	if (text)
		http_answer(rq, 200, "text/plain; charset=utf-8", text->script, strlen(text->script));
	else
		http_answer_error(rq, err);
}

static void ask(struct executord *ex, struct http_request *rq, const char *mac)
{
	struct msg_boot_script script = {
		.mac = (char *)mac, .platform = (char *)http_query(rq, "platform"), .buildarch = (char *)http_query(rq, "buildarch")};

	bus_ask(&ex->bus, "bootsd", MSG_BOOT_SCRIPT, &script, 0, on_script, rq);
}

void rest_get_boot_script(void *owner, struct http_request *rq)
{
	struct executord *ex = owner;
	struct gw_error err = {0};
	struct dut *dut = registry_dut_named(ex, http_arg(rq, "id"), &err);
	const struct mars_dut *mars = dut ? registry_mars(ex, dut) : NULL;

	if (mars)
		ask(ex, rq, mars->mac_address);
	else if (dut)
		http_answer_status(rq, 404, "%s was removed", dut->id);
	else
		http_answer_error(rq, &err);
}

void rest_get_boot_script_of_mac(void *owner, struct http_request *rq)
{
	const char *given = http_arg(rq, "mac");
	char mac[18];

	if (mars_mac_decode(given, strlen(given), mac))
		ask(owner, rq, mac);
	else
		http_answer_status(rq, 400, "'%.32s' is not a MAC address; accepted: as 52:54:00:11:22:0a", given);
}
