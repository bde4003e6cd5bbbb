/* Questions and answers are read back as they were sent. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <errno.h>

#include <cmocka.h>

#include "gate/wire/channel.h"
#include "gate/wire/control.h"

static void a_question_is_read_back(void **state)
{
    CLEANUP(buf_deinit) struct buf b = BUF_INIT(1000);
    struct mw_span json = { 0 };
    uint64_t id = 0;

    (void)state;
    control_write(&b, GATE_QUERY_ANSWER, UINT64_MAX - 1, SPAN_LIT("{\"sessions\":[]}"));
    assert_int_equal(control_read(&id, &json, buf_span(&b)), 0);
    assert_true(id == UINT64_MAX - 1);
    assert_true(span_eq(json, SPAN_LIT("{\"sessions\":[]}")));
    assert_int_equal(control_read(&id, &json, span_cut(buf_span(&b), 0, 9)), -EINVAL);
    assert_int_equal(control_read(&id, &json, span_cut(buf_span(&b), 0, 5)), -EINVAL);
    b.data[0] = GATE_AUDIT;
    assert_int_equal(control_read(&id, &json, buf_span(&b)), -EINVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_question_is_read_back),
    };

    return cmocka_run_group_tests_name("gate/control message", tests, NULL, NULL);
}
