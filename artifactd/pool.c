#include "artifactd/pool.h"

#include <stdlib.h>

struct task {
	uv_work_t work;
	struct pool *pool;
	void (*run)(void *data);
	void (*after)(void *data);
	void *data;
};

static void on_run(uv_work_t *work)
{
	struct task *task = work->data;

	task->run(task->data);
}

static void on_after(uv_work_t *work, int status)
{
	struct task *task = work->data;

	task->pool->working--;
	task->after(task->data);
	free(task);
}

void pool_run(struct pool *pool, void (*run)(void *data), void (*after)(void *data), void *data)
{
	struct task *task = gw_calloc(1, sizeof(*task));

	*task = (struct task){.pool = pool, .run = run, .after = after, .data = data};
	task->work.data = task;
	pool->working++;
	uv_queue_work(&pool->loop->uv, &task->work, on_run, on_after);
}

void pool_finish(struct pool *pool)
{
	while (pool->working)
		uv_run(&pool->loop->uv, UV_RUN_ONCE);
}
