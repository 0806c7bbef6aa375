/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From what a person asked for to one OCI configuration: the options of `run`, the image's configuration and a profile
 * become a struct oci_config in which every setting has a source (sources.h).
 *
 * What it reads of the machine: the files that options name (devices, --env-file, seccomp profiles), the image's passwd
 * and group. It changes nothing but, for --userns auto, the record of id ranges (idrange.h).
 */
#ifndef COFFER_ENGINE_SPEC_H
#define COFFER_ENGINE_SPEC_H

#include "engine/profile.h"
#include "engine/run_options.h"
#include "oci/config.h"
#include "oci/image_spec.h"
#include "sys/host.h"

struct spec_request {
    const struct run_options *options;
    const struct profile *profile;
    const struct host *host;
    const struct oci_image *image;
    const char *const *layers; /* the image's unpacked layers, top first, absolute */
    size_t n_layers;
    bool image_has_32bit;  /* or it is not known */
    bool files_in_root;    /* the caller can put SPEC_HOSTS and its like into the container's /etc */
    const char *id;
    const char *directory; /* the container's own, absolute: files made for it lie there */
    const char *root;      /* the store's root directory */
    const char *state_root; /* of the runtime: where other containers are found by "container:NAME" */
    /*
     * A container's process, for --network container:NAME and the like: its pid or a negative errno with err. NULL
     * where there are no other containers.
     */
    pid_t (*container_pid)(const struct spec_request *request, const char *name, struct err *err);
};

/*
 * Files that the caller writes: into the container's /etc where it said that it can, and otherwise into
 * request->directory, from where the configuration mounts them; spec_mounts_files() says which it came to.
 */
#define SPEC_HOSTS "hosts"
#define SPEC_HOSTNAME "hostname"
#define SPEC_RESOLV "resolv.conf"

int spec_build(struct arena *a, const struct spec_request *request, struct oci_config **ret, struct err *err);

bool spec_mounts_files(const struct spec_request *request, const struct oci_config *config);

/* The contents of these three files for the configuration. */
int spec_files(struct arena *a, const struct spec_request *request, const struct oci_config *config,
               const char **ret_hosts, const char **ret_hostname, const char **ret_resolv, struct err *err);

#endif
