/* SPDX-License-Identifier: MIT */
/* opt [COUNT]: parses fixed command lines and COUNT random ones with fuse_opt, and prints what comes out. The test runs it
 * with libfuse and with our library, and compares. */
#define FUSE_USE_VERSION 31
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <fuse_opt.h>

struct values
{
    int flag, number, other;
    unsigned octal, hexadecimal;
    long wide;
    char* text;
};

#define AT(templ, member, value)                       \
    {                                                  \
        templ, offsetof(struct values, member), value  \
    }
static const struct fuse_opt table[] = {
    AT("-a", flag, 1),          AT("--flag", flag, 2),     AT("flag", flag, 3),     AT("noflag", flag, 0),
    AT("n=%i", number, 0),      AT("-n %i", number, 0),    AT("mode=%o", octal, 0), AT("hex=%x", hexadecimal, 0),
    AT("wide=%ld", wide, 0),    AT("text=%s", text, 0),    AT("-t %s", text, 0),    AT("--text=%s", text, 0),
    AT("n=", other, 7),         AT("only=", other, 8),     FUSE_OPT_KEY("-k", 5),   FUSE_OPT_KEY("key=", 6),
    FUSE_OPT_KEY("-v ", 9),     FUSE_OPT_KEY("keep", FUSE_OPT_KEY_KEEP),
    FUSE_OPT_KEY("drop", FUSE_OPT_KEY_DISCARD),            FUSE_OPT_END};

static int seen(void* data, const char* arg, int key, struct fuse_args* out)
{
    (void)data;
    printf(" (%s %d)", arg, key);
    if (strcmp(arg, "stop") == 0)
        return -1;
    if (strcmp(arg, "more") == 0)
        return fuse_opt_add_arg(out, "added");
    return strcmp(arg, "away") == 0 ? 0 : 1;
}

static void parse(int argc, char** argv)
{
    struct values values;
    struct fuse_args args = FUSE_ARGS_INIT(argc, argv);
    int i, result;
    memset(&values, 0, sizeof values);
    result = fuse_opt_parse(&args, &values, table, seen);
    printf(" = %d:", result);
    for (i = 0; i < args.argc; i++)
        printf(" [%s]", args.argv[i]);
    printf(" flag %d n %d other %d mode %o hex %x wide %ld text %s\n", values.flag, values.number, values.other,
           values.octal, values.hexadecimal, values.wide, values.text ? values.text : "-");
    free(values.text);
    fuse_opt_free_args(&args);
}

int main(int argc, char** argv)
{
    static char* words[] = {"-a", "--flag", "-o", "-oflag", "-on=5,zed", "x\\,y", "-b", "file", "--", "-n", "12", "-n12",
                            "flag,keep,drop", "n=0x10,mode=644", "hex=ff,wide=-3", "text=a\\054b", "-t", "-tword",
                            "--text=long", "--text", "-k", "key=1", "-v", "-vv", "-", "stop", "more", "away", "", ",,",
                            "n=,only=,only=1", "-ostop", "-omore", "n=abc", "mode=9", "\\", "noflag", "text=", "-o,"};
    const int count = (int)(sizeof words / sizeof *words);
    unsigned long random = 12345;
    char* list = NULL;
    int i, j, rounds = argc > 1 ? atoi(argv[1]) : 2000;
    setvbuf(stdout, NULL, _IONBF, 0); /* in order with what the library says */
    for (i = 0; i < count; i++) {
        char* one[] = {"prog", words[i], words[(i + 1) % count], NULL};
        parse(3, one);
    }
    for (i = 0; i < rounds; i++) {
        char* line[8] = {"prog"};
        int length = 1 + i % 6;
        for (j = 1; j < length; j++) {
            random = random * 6364136223846793005ul + 1442695040888963407ul;
            line[j] = words[(random >> 33) % (unsigned)count];
        }
        parse(length, line);
    }
    fuse_opt_add_opt(&list, "a");
    fuse_opt_add_opt(&list, "b,c");
    fuse_opt_add_opt_escaped(&list, "d,e\\f");
    printf("%s %d %d %d\n", list, fuse_opt_match(table, "n=1"), fuse_opt_match(table, "n"), fuse_opt_match(table, "-x"));
    free(list);
    return 0;
}
