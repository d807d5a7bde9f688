/* bootsd: answers DHCP and TFTP and serves boot files for the farm's private network. jobd says what to serve and to whom; bootsd never
 * asks why. */
#include "bootsd/bootsd.h"

#include <stdlib.h>
#include <sys/resource.h>

#include "bootsd/privileges.h"
#include "libgateway/files.h"
#include "libgateway/log.h"

static const struct env_program program = {"bootsd", "Answers DHCP and TFTP and serves boot files on the DUTs' network.", ENV_BOOTSD, NULL};

/* Artifacts stay open while they are deployed. */
static void raise_open_files(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
}

static bool read_network(struct bootsd *b, struct gw_error *err)
{
	return interface_read(&b->net, env_text(&b->env, OPT_PRIVATE_INTERFACE), err) &&
	       dhcp_range_decode(&b->range, env_text(&b->env, OPT_BOOTS_DHCP_RANGE), &b->net, err);
}

static bool load_boots(struct bootsd *b, struct gw_error *err)
{
	const char *given = env_text(&b->env, OPT_BOOTS_DB_FILE);
	char *dflt = given ? gw_strdup(given) : env_data_path("bootsd/boots_db.yml.j2", "boots_db.yml.j2");
	const struct boots_place place = {.net = &b->net, .http_port = &b->http_port, .statics = &b->statics};
	bool ok;

	static_files_init(&b->statics);
	ok = boots_load(&b->boots, env_text(&b->env, OPT_BOOTS_DB_USER_FILE), dflt, &place, err);
	free(dflt);
	return ok;
}

static void on_reload(void *data)
{
	struct bootsd *b = data;

	boots_read_again(&b->boots);
}

static bool find_artifacts(struct bootsd *b, struct gw_error *err)
{
	const char *given = env_text(&b->env, OPT_EXECUTOR_ARTIFACT_CACHE_ROOT);

	b->artifacts = given ? gw_strdup(given) : env_state_path(&b->env, "artifacts");
	return dir_make(b->artifacts, 0755, err) || gw_context(err, "EXECUTOR_ARTIFACT_CACHE_ROOT");
}

static bool open_journal(struct bootsd *b, struct gw_error *err)
{
	char *folder = env_state_path(&b->env, "bootsd"), *path = env_state_path(&b->env, "bootsd/leases");
	char *lock = env_state_path(&b->env, "bootsd/lock");
	bool ok;

	leases_init(&b->leases, b->range, &b->net, &b->machines);
	ok = dir_make(folder, 0750, err) && file_lock_take(&b->lock, lock, err) && /* a second one ends here */
	     lease_journal_open(&b->journal, path, &b->leases, &b->loop, err);
	free(lock);
	free(folder);
	free(path);
	return ok;
}

static bool load(struct bootsd *b, struct gw_error *err)
{
	raise_open_files();
	machines_init(&b->machines);
	b->peers = (struct peers){.net = &b->net, .machines = &b->machines, .leases = &b->leases};
	b->seen = (struct seen){.bus = &b->bus, .loop = &b->loop};
	return find_artifacts(b, err) && open_journal(b, err);
}

static bool join_bus(struct bootsd *b, struct gw_error *err)
{
	return bus_join(&b->bus, &b->loop, env_text(&b->env, OPT_EXECUTOR_RUNTIME_DIR), BUS_BOOTSD, NULL, boot_bus_handlers, b, err);
}

static bool start_servers(struct bootsd *b, struct gw_error *err)
{
	const struct dhcp_context ctx = {.net = &b->net, .machines = &b->machines, .leases = &b->leases, .boots = &b->boots};
	const char *dhcp = env_text(&b->env, OPT_BOOTS_DHCP_IPv4_SOCKET_NAME), *tftp = env_text(&b->env, OPT_BOOTS_TFTP_IPv4_SOCKET_NAME);

	if (env_text(&b->env, OPT_BOOTS_DISABLE_SERVERS)) {
		log_info("BOOTS_DISABLE_SERVERS: no DHCP, no TFTP, no router advertisements");
		return true;
	}
	return dhcp_server_start(&b->dhcp, &b->loop, activation_find(&b->fds, dhcp), &ctx, &b->journal, &b->seen, err) &&
	       tftp_server_start(&b->tftp, &b->loop, activation_find(&b->fds, tftp), &b->peers, &b->statics, &b->seen, err) &&
	       router_advert_start(&b->ra, &b->loop, &b->net, err);
}

static bool run(struct bootsd *b, struct gw_error *err)
{
	char ip[IP4_TEXT], first[IP4_TEXT], last[IP4_TEXT];

	log_info("serving %s as %s, boot HTTP on port %u, dynamic range %s-%s", b->net.name, ip4_print(ip, b->net.ip), b->http_port,
		 ip4_print(first, b->range.first), ip4_print(last, b->range.last));
	boots_watch(&b->boots, &b->loop);
	loop_on_reload(&b->loop, on_reload, b);
	return loop_run_until_stopped(&b->loop, err);
}

static void unload(struct bootsd *b)
{
	lease_journal_finish(&b->journal);
	file_lock_finish(&b->lock);
	leases_finish(&b->leases);
	machines_finish(&b->machines);
	peers_finish(&b->peers);
	boots_finish(&b->boots);
	static_files_finish(&b->statics);
	free(b->artifacts);
	free(b->capability_key);
	ended_jobs_finish(&b->ended);
}

int main(int argc, char **argv)
{
	struct bootsd *b = gw_calloc(1, sizeof(*b));
	struct gw_error err = {0};
	int code;

	log_init("bootsd", getenv("LOG_LEVEL"));
	if (!env_load(&b->env, &program, argc, argv, &err) || !read_network(b, &err) || !load_boots(b, &err) || b->env.check_only ||
	    !loop_init(&b->loop, &err) || !activation_take(&b->fds, &err) || !load(b, &err) || !boot_http_start(b, &err) ||
	    !start_servers(b, &err) || !privileges_drop(&err) || /* all sockets are open, and the bus starts threads */
	    !join_bus(b, &err) || !run(b, &err))
		log_failure("bootsd", &err);
	router_advert_stop(&b->ra);
	tftp_server_stop(&b->tftp);
	dhcp_server_stop(&b->dhcp);
	boot_http_stop(b);
	bus_finish(&b->bus);
	unload(b);
	activation_finish(&b->fds);
	loop_finish(&b->loop);
	code = env_exit_code(&b->env, &err);
	env_finish(&b->env);
	free(b);
	return code;
}
