#include "check/run_files.h"

#include <errno.h>
#include <midwatch/trust.h>

#include "base/file.h"
#include "check/exit.h"

int run_file(const char *option, const char *path, const char *label, struct arena *arena,
             struct pem_list *out, struct buf *error)
{
    CLEANUP(buf_deinit) struct buf text = BUF_INIT(RUN_FILE_BYTES);
    int rc = file_read(path, &text);

    if (rc == -ENOMEM)
        return rc;
    buf_printf(error, "%s ", option);
    if (rc != 0) {
        buf_printf(error, "%s: %s", path,
                   rc == -EMSGSIZE ? "larger than 64 MiB; is it the right file?" : strerror(-rc));
        return CHECK_USAGE;
    }
    rc = pem_read(buf_span(&text), label, path, arena, out, error);
    if (rc == 0)
        buf_truncate(error, 0);
    return rc > 0 ? CHECK_USAGE : rc;
}

const char *run_judge_error(int rc)
{
    switch (rc) {
    case MW_E_NAME:
        return "this is neither a host name nor an address";
    case MW_E_TOO_MANY:
        return "more certificates than can be judged";
    case -ENOMEM:
        return "out of memory";
    default:
        return rc < 0 ? strerror(-rc) : "it could not be judged";
    }
}
