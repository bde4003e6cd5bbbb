#include <errno.h>

#include <midwatch/sframe.h>

const char *mw_sframe_error_text(int error)
{
    switch (error) {
    case 0:
        return "well";
    case MW_SFRAME_E_HEADER:
        return "not an SFrame frame: too short, or its header is not in the shortest form";
    case MW_SFRAME_E_KEY:
        return "no key for this frame: its epoch, sender or stream is not known here (yet)";
    case MW_SFRAME_E_FORGED:
        return "the frame's tag does not match: changed on the way, or made with another key";
    case MW_SFRAME_E_REPLAYED:
        return "this frame was opened before";
    case MW_SFRAME_E_OLD:
        return "the frame is too far behind its sender's latest one";
    case MW_SFRAME_E_OWN:
        return "the frame bears our own key's number: sent back to us, or forged";
    case MW_SFRAME_E_EXHAUSTED:
        return "every counter of this key is used up: go on in a new epoch";
    case MW_SFRAME_E_PAST:
        return "not later than an epoch or key that was there before";
    case MW_SFRAME_E_NOT_SENDING:
        return "there is no key to seal with yet: choose an epoch to send in first";
    case -ENOMEM:
        return "out of memory";
    case -EINVAL:
        return "an argument is outside what midwatch/sframe.h allows";
    case -EMSGSIZE:
        return "too long, or no room for the result";
    case -EPERM:
        return "32-bit tags were not asked for: set short_tags, or take another suite";
    default:
        return error < 0 ? "the cryptographic library failed" : "an error of another kind";
    }
}
