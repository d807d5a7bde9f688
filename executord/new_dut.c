#include "executord/new_dut.h"

#include <stdio.h>
#include <string.h>

#include "executord/executord.h"
#include "executord/names.h"

double new_dut_off_delay(const char *driver)
{
	return strcmp(driver, "vpdu") == 0 || strcmp(driver, "dummy") == 0 ? 0.1 : 30;
}

void new_dut_set(struct new_dut *new, const char *id, const char *field, struct mars_value value)
{
	gw_assert(new->n < NEW_DUT_EDITS_MAX);
	new->edits[new->n] = database_set("duts", id, field, value);
	new->edits[new->n++].existing = 0;
}

static void add_port(struct new_dut *new, struct executord *ex, const char *id)
{
	const struct mars_pdu *pdu = mars_db_find_pdu(ex->database.db, ex->discovery.ask.pdu);
	double took = discovery_seconds_since_on(ex);

	snprintf(new->pdu, sizeof(new->pdu), "%s", ex->discovery.ask.pdu);
	snprintf(new->port, sizeof(new->port), "%s", ex->discovery.ask.port);
	new_dut_set(new, id, "pdu", MARS_V_TEXT(new->pdu));
	new_dut_set(new, id, "pdu_port_id", MARS_V_TEXT(new->port));
	new_dut_set(new, id, "pdu_off_delay", MARS_V_NUMBER(new_dut_off_delay(pdu ? pdu->driver : "vpdu")));
	if (took > 0)
		new_dut_set(new, id, "firmware_boot_time", MARS_V_NUMBER(took));
}

static void add_gitlab(struct new_dut *new, struct executord *ex, const char *id)
{
	size_t n = mars_db_gitlab_count(ex->database.db);

	gw_assert(n <= GITLAB_INSTANCES_MAX); /* MarsDB refuses more */
	new->exposed = (struct mars_member){"exposed", MARS_V_BOOL(true)};
	for (size_t i = 0; i < n; i++)
		new->gitlab[i] = (struct mars_member){mars_db_gitlab(ex->database.db, i)->name, MARS_V_MAPPING(&new->exposed, 1)};
	if (n)
		new_dut_set(new, id, "gitlab", MARS_V_MAPPING(new->gitlab, n));
}

void new_dut_init(struct new_dut *new, struct executord *ex, const char *id)
{
	*new = (struct new_dut){0};
	names_date_text(loop_wall_now(), new->first_seen);
	new_dut_set(new, id, "first_seen", MARS_V_DATE(new->first_seen));
	add_gitlab(new, ex, id);
	if (discovery_listens(ex))
		add_port(new, ex, id);
}
