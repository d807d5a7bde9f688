/* All that the coordinator has. One thread, the loop's, owns it; modules are handed the whole and keep to their own member. */
#ifndef EXECUTORD_EXECUTORD_H
#define EXECUTORD_EXECUTORD_H

#include "executord/buckets.h"
#include "executord/daemons.h"
#include "executord/database.h"
#include "executord/discovery.h"
#include "executord/events.h"
#include "executord/gitlab.h"
#include "executord/imagestore.h"
#include "executord/job_logs.h"
#include "executord/jobd_pool.h"
#include "executord/jobs.h"
#include "executord/registries.h"
#include "executord/registry.h"
#include "executord/settings.h"
#include "executord/state_store.h"
#include "libbus/bus.h"
#include "libgateway/activation.h"
#include "libgateway/env.h"
#include "libgateway/files.h"
#include "libgateway/http_server.h"
#include "libgateway/loop.h"

struct executord {
	struct env env;
	struct settings settings;
	struct loop loop;
	struct activation fds;
	struct bus bus;
	struct file_lock lock; /* of STATE/executord: two gateways must not share it */
	struct database database;
	struct registry registry;
	struct registries registries;
	struct imagestore imagestore;
	struct state_store store;
	struct jobd_pool pool;
	struct jobs jobs;
	struct buckets buckets;
	struct job_logs job_logs;
	struct discovery discovery;
	struct events events;
	struct daemons daemons;
	struct http_server *rest;
	struct http_route *routes; /* owned; rest_routes with the bounds that options give */
	struct loop_timer stop_patience;
};

#endif
